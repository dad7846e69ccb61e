import type { RtpSession, RtpSessionOptions } from './api.ts';

/** Opens a session on a port of the pool. Throws `NoFreePort` when the pool is empty or its ports are taken by others. */
export declare function openRtpSession(options: RtpSessionOptions): Promise<RtpSession>;
