import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCommand, infoValues, namedValues, ProtocolError, RedisError, type Reply, ReplyReader } from './resp.ts';

const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n]/g, ' '));
const reply: fc.Arbitrary<Reply> = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.constant(null),
    line.map((text) => new RedisError(text)),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
})).reply;

function encodeReply(value: Reply): string {
  if (value === null) return '$-1\r\n';
  if (value instanceof RedisError) return `-${value.message}\r\n`;
  if (typeof value === 'number') return `:${value}\r\n`;
  if (typeof value === 'string') return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  return `*${value.length}\r\n${value.map(encodeReply).join('')}`;
}

describe('ReplyReader', () => {
  it('reads the same replies however the network cuts them', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (replies, sizes) => {
        const bytes = Buffer.from(replies.map(encodeReply).join(''));
        const reader = new ReplyReader();
        const read: Reply[] = [];
        for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
          const end = start + sizes[turn % sizes.length]!;
          read.push(...reader.push(bytes.subarray(start, end)));
          start = end;
        }
        expect(read).toEqual(replies);
      }),
    );
  });

  it('reads a command back as the list of its words', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (words) => {
        expect(new ReplyReader().push(encodeCommand(words))).toEqual([words]);
      }),
    );
  });

  it('refuses what is not RESP2', () => {
    for (const text of ['HTTP/1.1 400\r\n', ':1x\r\n', '$many\r\n']) {
      expect(() => new ReplyReader().push(Buffer.from(text))).toThrow(ProtocolError);
    }
  });
});

describe('values', () => {
  it('come in pairs from SENTINEL MASTER and in lines from INFO', () => {
    expect(namedValues(['name', 'cache', 'ip', '10.0.0.1', 'odd'])).toEqual({ name: 'cache', ip: '10.0.0.1' });
    expect(namedValues(null)).toEqual({});
    expect(infoValues('# Replication\r\nrole:master\r\nslave0:ip=1,state=online\r\n')).toEqual({
      role: 'master',
      slave0: 'ip=1,state=online',
    });
  });
});
