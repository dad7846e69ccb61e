import type { auth, billing, ivr, sw } from '@ringback/contracts';
import type { ReservePurpose } from './model.ts';

/** How an event came here. */
interface Told {
  /** Traceparent of the span in which its message was published, where the message carries one. */
  publishedIn?: string;
}

/** What reaches a session, from switches, from the services it asked, and from operators. */
export type SessionEvent =
  | ({
      type: 'offered';
      legId: string;
      switchId: string;
      atUs: number;
      traceparent: string;
      offered: sw.LegOffered;
    } & Told)
  | ({ type: 'leg'; legId: string; switchId: string; atUs: number; commandId: string; traceparent?: string } & Told & {
        body: LegBody;
      })
  | { type: 'identified'; answer: auth.IdentifyResponse }
  | { type: 'pin_verified'; answer: auth.VerifyPinResponse }
  | { type: 'resolved'; answer: auth.ResolveDestinationResponse }
  | { type: 'balance_told'; answer: billing.GetBalanceResponse }
  | { type: 'reserved'; purpose: ReservePurpose; answer: billing.ReserveResponse }
  | { type: 'settled'; legId: string }
  | { type: 'stepped'; answer: ivr.StepResponse }
  /** A service refused the question itself: a defect or a stale view, never to be asked again as it is. */
  | { type: 'refused'; field: string; message: string }
  /** The agent did not take the command: TOO_LATE | INVALID. */
  | { type: 'command_refused'; code: string; message: string }
  | { type: 'end_requested'; by: 'operator' };

export type LegBody = Exclude<NonNullable<sw.Event['body']>, { $case: 'offered' | 'switchLost' | 'triggerAgain' }>;
