import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatMessage,
  HeaderList,
  parseMessage,
  parseNameAddr,
  parseReason,
  parseUri,
  parseVia,
  type SipRequest,
  sdpOf,
  splitList,
  userOf,
} from '@ringback/dev-sip';

const lines = (...text: string[]): Buffer => Buffer.from(text.join('\r\n'));

function messageOf(data: Buffer): SipRequest {
  const parsed = parseMessage(data);
  assert.equal(parsed.kind, 'message', parsed.kind === 'malformed' ? parsed.why : parsed.kind);
  assert(parsed.kind === 'message' && parsed.message.kind === 'request');
  return parsed.message;
}

const BASE = [
  'Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1',
  'From: <sip:a@example.net>;tag=1',
  'To: <sip:b@example.net>',
  'Call-ID: x1',
  'CSeq: 1 INVITE',
];

test('RFC 4475 3.1.1.1: a short tortuous INVITE is read', () => {
  const request = messageOf(
    lines(
      'INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0',
      'TO :',
      ' sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n',
      'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
      '  ;',
      '  tag = 98asjd8',
      'MaX-fOrWaRdS: 0068',
      'Call-ID: wsinv.ndaksdj@192.0.2.1',
      'Content-Length   : 150',
      'cseq: 0009',
      '  INVITE',
      'Via  : SIP  /   2.0',
      ' /UDP',
      '    192.0.2.2;branch=390skdjuw',
      's :',
      'NewFangledHeader:   newfangled value',
      ' continued newfangled value',
      'UnknownHeaderWithUnusualValue: ;;,,;;,;',
      'Content-Type: application/sdp',
      'Route:',
      ' <sip:services.example.com;lr;unknownwith=value;unknown-no-value>',
      'v:  SIP  / 2.0  / TCP     spindle.example.com   ;',
      '  branch  =   z9hG4bK9ikj8  ,',
      ' SIP  /    2.0   / UDP  192.168.255.111   ; branch=',
      ' z9hG4bK30239',
      'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
      '      newvalue ;',
      '  secondparam ; q = 0.33',
      '',
      'v=0',
      'o=mhandley 29739 7272939 IN IP4 192.0.2.3',
      's=-',
      'c=IN IP4 192.0.2.4',
      't=0 0',
      'm=audio 49217 RTP/AVP 0 12',
      'm=video 3227 RTP/AVP 31',
      'a=rtpmap:31 LPC',
      '',
    ),
  );
  const from = parseNameAddr(request.headers.get('f') ?? '');
  assert.equal(from?.display, 'J Rosenberg \\"');
  assert.equal(from?.params.get('tag'), '98asjd8');
  assert.equal(parseNameAddr(request.headers.get('To') ?? '')?.params.get('tag'), '1918181833n');
  assert.deepEqual(
    request.headers.values('Via').map((via) => [parseVia(via)?.host, parseVia(via)?.params.get('branch')]),
    [
      ['192.0.2.2', '390skdjuw'],
      ['spindle.example.com', 'z9hG4bK9ikj8'],
      ['192.168.255.111', 'z9hG4bK30239'],
    ],
  );
  assert.equal(request.headers.get('Subject'), '');
  assert.equal(request.headers.get('newfangledheader'), 'newfangled value continued newfangled value');
  assert.equal(parseNameAddr(request.headers.get('Contact') ?? '')?.params.get('q'), '0.33');
  assert.match(sdpOf(request) ?? '', /^v=0/);
});

test('RFC 4475 3.1.1.3, 3.1.1.9: escapes and semicolons in user parts are kept and decoded', () => {
  assert.equal(parseUri('sip:user;par=u%40example.net@example.com')?.user, 'user;par=u%40example.net');
  assert.equal(userOf('<sip:sips%3Auser%40example.com@example.net>'), 'sips:user@example.com');
  assert.equal(userOf('"x" <sip:+48601000001;npdi@127.0.0.1;user=phone>;tag=1'), '+48601000001');
  assert.equal(userOf('<tel:+48-601;phone-context=x>'), '+48-601');
  assert.equal(userOf('<sip:%zz@h>'), '%zz');
});

test('bare line feeds, leading blank lines and a missing end are tolerated; a body is cut at Content-Length', () => {
  const request = messageOf(Buffer.from(`\r\n\nINVITE sip:b@h SIP/2.0\n${BASE.join('\n')}\nl: 3\n\nabcdef`));
  assert.equal(request.body, 'abc');
  assert.equal(messageOf(lines('INVITE sip:b@h SIP/2.0', ...BASE)).body, '');
  assert.equal(parseMessage(Buffer.from('\r\n\r\n')).kind, 'keepalive');
  assert.equal(parseMessage(Buffer.alloc(0)).kind, 'keepalive');
});

for (const [what, replace, why] of [
  ['no Call-ID', ['Call-ID: x1', 'X: 1'], /Call-ID is missing/],
  ['two Call-IDs', ['Call-ID: x1', 'Call-ID: x1\r\nCall-ID: x2'], /Call-ID is there twice/],
  ['a CSeq of another method', ['1 INVITE', '1 BYE'], /CSeq's method/],
  ['a CSeq beyond 32 bits', ['1 INVITE', '36893488147419103232 INVITE'], /CSeq cannot be read/],
  ['an unreadable Via', ['SIP/2.0/UDP 192.0.2.2:5060', 'SIP/2.0/UDP '], /top Via/],
  ['an unreadable From', ['<sip:a@example.net>;tag=1', '<sip:a@example.net;tag=1'], /From cannot/],
  ['a header line without a colon', ['Call-ID: x1', 'Call-ID: x1\r\nnonsense'], /without a name/],
  [
    'a Content-Length beyond the datagram',
    ['CSeq: 1', 'Content-Length: 9999\r\nCSeq: 1'],
    /shorter than Content-Length/,
  ],
  ['a negative Content-Length', ['CSeq: 1', 'Content-Length: -999\r\nCSeq: 1'], /Content-Length is no number/],
] as const) {
  test(`malformed: ${what}`, () => {
    const text = ['INVITE sip:b@h SIP/2.0', ...BASE, '', ''].join('\r\n').replace(replace[0], replace[1]);
    const parsed = parseMessage(Buffer.from(text));
    assert(parsed.kind === 'malformed');
    assert.match(parsed.why, why);
    assert.equal(parsed.partial?.method, 'INVITE');
  });
}

test('malformed start lines: no request, no status, a version of the future, a URI in brackets', () => {
  for (const start of [
    'INVITE',
    'SIP/2.0 99 x',
    'SIP/2.0 700 x',
    'INVITE sip:b@h SIP/7.0',
    'INVITE <sip:b@h> SIP/2.0',
    'INVITE sip:b@h; lr SIP/2.0',
    '\0',
  ]) {
    assert.equal(parseMessage(lines(start, ...BASE, '', '')).kind, 'malformed', start);
  }
});

test('a multipart body gives its SDP part', () => {
  const body = [
    '--x',
    'Content-Type: text/plain',
    '',
    'hello',
    '--x',
    'Content-Type: application/sdp',
    '',
    'v=0',
    's=-',
    '--x--',
  ].join('\r\n');
  const request = messageOf(lines('INVITE sip:b@h SIP/2.0', ...BASE, 'c: multipart/mixed;boundary=x', '', body));
  assert.match(sdpOf(request) ?? '', /^v=0\r\ns=-/);
});

test('Reason: Q.850 is preferred, quotes are taken off', () => {
  assert.equal(parseReason(['SIP;cause=200;text="x"', 'Q.850 ;cause=17 ;text="User, busy"'])?.cause, 17);
  assert.equal(parseReason(splitList('Q.850;cause=16;text="a,b",SIP;cause=1'))?.text, 'a,b');
  assert.equal(parseReason([]), undefined);
});

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
const value = fc.string({ maxLength: 40 }).map((text) => text.replace(/[\r\n\0]/g, '').trim());

test('property: what is written is read again, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(token, value), { maxLength: 12 }), fc.string({ maxLength: 60 }), (extra, body) => {
      const headers = new HeaderList([
        ['Via', 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx'],
        ['From', '<sip:a@b>;tag=1'],
        ['To', '<sip:c@d>'],
        ['Call-ID', 'id'],
        ['CSeq', '7 INVITE'],
        ...extra.map(([name, text]) => [`X-${name}`, text] as const),
      ]);
      const again = messageOf(formatMessage({ kind: 'request', method: 'INVITE', uri: 'sip:c@d', headers, body }));
      assert.equal(again.body, Buffer.from(body, 'utf8').toString('utf8'));
      assert.deepEqual(
        [...again.headers].filter(({ name }) => name !== 'Content-Length'),
        [...headers],
      );
    }),
  );
});

test('property: no datagram makes the parser throw', () => {
  const sane = formatMessage({
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:c@d',
    headers: new HeaderList(BASE.map((line) => line.split(': ') as [string, string])),
    body: 'v=0',
  });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (data) => void parseMessage(data)));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(sane.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(sane.length),
      (changes, length) => {
        const data = Buffer.from(sane);
        for (const [at, byte] of changes) data[at] = byte;
        parseMessage(data.subarray(0, length));
      },
    ),
    { numRuns: 500 },
  );
});

test('a header value cannot smuggle in a header of its own', () => {
  assert.equal(new HeaderList([['X', 'a\r\nBye: b']]).get('X'), 'a Bye: b');
});
