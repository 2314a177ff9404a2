import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { type Item, writeUnits } from '../../bench/consumed-capacity.ts';
import { UpdateItemCommand } from '../../functions/aws/dynamodb.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createGate } from '../../functions/store/gate.ts';
import { at, EXAMPLES } from '../generation/examples.ts';
import { clockAt, doFirst, resendWrites, TABLES, useTables } from './table-world.ts';

// The tests use a server, and the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** The nth generation, accepted at second n. */
const nth = (n: number) => ({ ...EXAMPLES.queued, id: `g${String(n).padStart(3, '0')}`, createdAt: at(n) });
const ids = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => nth(from + index).id);
const all = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => nth(from + index));
const OTHER = { id: 'other', revision: 1 };
const keyOf = (n: number) => ({ id: nth(n).id, queueKey: `${nth(n).createdAt}#${nth(n).id}` });

describe.each(TABLES)('the gate, in a table of %s,', (kind) => {
  const { createWorld } = useTables(kind);

  async function gateWorld() {
    const world = await createWorld();
    const { clock, pass } = clockAt(at(1_000));
    /** The generations that the index shows as waiting. */
    const line = new Set<number>();
    const waiting = async (limit: number, from: string) =>
      [...line]
        .toSorted((a, b) => a - b)
        .map(keyOf)
        .filter(({ queueKey }) => queueKey >= from)
        .slice(0, limit);
    const pauses: number[] = [];
    const pause = async (milliseconds: number) => void pauses.push(milliseconds);
    const open = (table = world.table, maximum?: number) =>
      createGate({ ...table, waiting, durations: DURATIONS, clock, maximum, pause });
    const gate = open();
    return {
      ...world,
      gate,
      open,
      pauses,
      pass,
      line,
      async join(...numbers: number[]) {
        for (const n of numbers) {
          line.add(n);
          await gate.joinLine(nth(n));
        }
      },
      /** Sets the limit, with the gate open. */
      async learn(limit: number) {
        await gate.noteRefusal(OTHER, limit);
        await gate.free(OTHER, 'ended');
      },
      /** Starts the tasks of the nth to the mth generation, as many at once as possible. */
      async run(from: number, to: number) {
        const results: boolean[] = [];
        for (let first = from; first <= to; first += 20) {
          const some = all(first, Math.min(first + 19, to));
          results.push(...(await Promise.all(some.map((generation) => gate.take(generation)))));
          await Promise.all(some.map((generation) => gate.noteRunEnd(generation)));
        }
        return results;
      },
      item: () => world.item('gate', 'gate'),
      holders: async () => [...(await gate.holders())].toSorted(),
    };
  }

  const took = (results: readonly boolean[]) => results.filter(Boolean).length;

  describe('without a known limit', () => {
    it('bounds the Runs under way, at twenty', async () => {
      const { gate, holders } = await gateWorld();

      const results = [];
      for (const generation of all(1, 25)) results.push(await gate.take(generation));

      expect(results).toEqual(Array.from({ length: 25 }, (_, index) => index < 20));
      expect(await holders()).toEqual(ids(1, 20));
    });

    it('admits one more for every Run that has ended', async () => {
      const { gate } = await gateWorld();
      for (const generation of all(1, 20)) await gate.take(generation);

      await gate.noteRunEnd(nth(3));
      await gate.free(nth(4), 'notRun');

      const results = [];
      for (const generation of all(21, 24)) results.push(await gate.take(generation));
      expect(results).toEqual([true, true, false, false]);
    });

    it('says after a Run whether the line has a generation that there is room for', async () => {
      const { gate, join } = await gateWorld();
      for (const generation of all(1, 20)) await gate.take(generation);

      const alone = await gate.noteRunEnd(nth(1));
      await join(30);

      expect([alone, await gate.noteRunEnd(nth(2))]).toEqual([false, true]);
    });

    it('is crowded once more run than any limit of Wiro allows, and as long as nobody has looked', async () => {
      const { gate, run } = await gateWorld();

      const unseen = gate.isCrowded();
      await run(1, 25);
      const full = gate.isCrowded();
      await run(26, 26);

      expect([unseen, full, gate.isCrowded()]).toEqual([true, false, true]);
    });

    it('lets many run at once, far more than any limit of Wiro, and stays small', async () => {
      const { gate, run, item, holders } = await gateWorld();

      const results = await run(1, 100);

      expect(took(results)).toBe(100);
      expect((await holders()).length).toBeLessThanOrEqual(80);
      expect(JSON.stringify(await item()).length).toBeLessThan(4_096);
      await Promise.all(all(1, 100).map((generation) => gate.free(generation, 'ended')));
      expect(await holders()).toEqual([]);
    });

    it('costs one write unit a write at the highest limit that Wiro has, and beyond it without a limit', async () => {
      const { gate, item, learn, pass } = await gateWorld();
      const long = (n: number) => ({ ...nth(n), id: String(n).padStart(26, 'g') });
      const units = async () => writeUnits(undefined, marshall(await item()) as unknown as Item);
      const start = async (from: number, to: number) => {
        for (let n = from; n <= to; n += 1) {
          expect(await gate.take(long(n))).toBe(true);
          if (n % 25 !== 0) await gate.noteRunEnd(long(n));
        }
      };
      await start(1, 100);
      const unlimited = await units();
      for (let n = 1; n <= 100; n += 1) await gate.free(long(n), 'ended');
      await learn(25);
      pass(1);
      await start(101, 125);
      await gate.joinLine(long(126));

      expect(await item()).toMatchObject({ limit: 25, waitingSince: expect.any(String) });
      expect([unlimited, await units()]).toEqual([1, 1]);
    });

    it('reads instead of writing in vain while more tasks run than it counts', async () => {
      const { gate, run, table } = await gateWorld();
      await run(1, 60);
      const send = vi.spyOn(table.client, 'send');

      await gate.take(nth(61));

      expect(send.mock.calls.map(([command]) => command.constructor.name)).toEqual([
        'GetItemCommand',
        'UpdateItemCommand',
      ]);
      send.mockRestore();
    });

    it('still bounds the Runs under way when those that were not answered run again', async () => {
      const { gate } = await gateWorld();
      for (const generation of all(1, 20)) await gate.take(generation);
      for (const generation of all(1, 20)) await gate.noteRunEnd(generation);

      const results = [];
      for (const generation of all(1, 20))
        results.push(await gate.take({ ...generation, revision: 6 }, true));
      for (const generation of all(21, 25)) results.push(await gate.take(generation));

      expect(results).toEqual(Array.from({ length: 25 }, (_, index) => index < 20));
    });

    it('still bounds the Runs under way when more tasks run than it counts', async () => {
      const { gate, run } = await gateWorld();
      await run(1, 60);

      const results = await Promise.all(all(61, 90).map((generation) => gate.take(generation)));

      expect(took(results)).toBe(20);
      // A repeat changes nothing.
      const again = await Promise.all(all(61, 90).map((generation) => gate.take(generation)));
      expect(again).toEqual(results);
    });

    it('admits twenty of the line, as many as Runs may be under way', async () => {
      const { gate, join } = await gateWorld();
      await join(...Array.from({ length: 30 }, (_, index) => index + 1));

      expect(await gate.admit(25)).toEqual(ids(1, 20));
      expect(await gate.admit(25)).toEqual([]);
    });
  });

  describe('a refusal with code 96', () => {
    it('names the limit, gives the slot back, and shuts the gate', async () => {
      const { gate, item } = await gateWorld();
      for (const generation of all(1, 3)) await gate.take(generation);

      await gate.noteRefusal(nth(3), 5);

      expect(await item()).toMatchObject({ limit: 5, pausedUntil: at(1_005), slots: new Set(ids(1, 2)) });
      expect(await gate.take(nth(4))).toBe(false);
    });

    it('shuts it for five seconds', async () => {
      const { gate, pass } = await gateWorld();
      for (const generation of all(1, 3)) await gate.take(generation);
      await gate.noteRefusal(nth(3), 5);

      pass(4_999);
      const before = await gate.take(nth(4));
      pass(1);
      const after = await gate.take(nth(4));

      expect([before, after]).toEqual([false, true]);
    });

    it('shuts it until a task of ours ends; a Run without a task does not open it', async () => {
      const { gate } = await gateWorld();
      for (const generation of all(1, 4)) await gate.take(generation);
      await gate.noteRefusal(nth(4), 5);

      await gate.free(nth(1), 'notRun');
      const before = await gate.take(nth(5));
      await gate.free(nth(2), 'ended');
      const after = await gate.take(nth(5));

      expect([before, after]).toEqual([false, true]);
    });

    it('does not shut it if no task of ours runs, because no end would open it', async () => {
      const { gate } = await gateWorld();
      await gate.take(nth(1));

      await gate.noteRefusal(nth(1), 1);

      expect(await gate.take(nth(2))).toBe(true);
    });

    it('that comes when all of ours have ended does not shut it behind admitted generations', async () => {
      const { gate, join } = await gateWorld();
      for (const generation of all(1, 2)) await gate.take(generation);
      await gate.free(nth(1), 'ended');
      await gate.noteRefusal(nth(2), 3);
      await join(2, 3, 4, 5);

      const admitted = await gate.admit(25);

      expect(admitted).toEqual(ids(2, 4));
      const taken = [];
      for (const generation of all(2, 4)) taken.push(await gate.take(generation));
      expect(taken).toEqual([true, true, true]);
    });

    it('does not shut it if a task of ours has ended since the Run was sent, because that left room', async () => {
      const { gate, join, pass } = await gateWorld();
      for (const generation of all(1, 3)) await gate.take(generation);
      const sent = (seconds: number) => ({
        run: { startedAt: at(seconds), reusedUploads: false, searches: 0 },
      });
      pass(1_000);
      await gate.free(nth(1), 'ended');

      await gate.noteRefusal({ ...nth(3), ...sent(1_000) }, 2);
      await join(3, 4);
      const admitted = await gate.admit(25);
      await gate.noteRefusal({ ...nth(3), ...sent(1_002) }, 2);

      expect([admitted, await gate.admit(25)]).toEqual([ids(3, 3), []]);
    });

    it('counts the latest end, even if an earlier one is written after it', async () => {
      const { table, gate, open, join, pass, item } = await gateWorld();
      for (const generation of all(1, 4)) await gate.take(generation);
      // Another task ends before the first end is written.
      const overtaken = doFirst(table, 'UpdateItemCommand', async () => {
        pass(2_000);
        await gate.free(nth(2), 'ended');
      });
      await open(overtaken).free(nth(1), 'ended');

      const run = { startedAt: at(1_001), reusedUploads: false, searches: 0 };
      await gate.noteRefusal({ ...nth(4), run }, 2);
      await join(4);

      expect(await item()).toMatchObject({ endedAt: at(1_002), slots: new Set([nth(3).id]) });
      expect(await gate.admit(25)).toEqual(ids(4, 4));
    });

    it('opens it when the last slot is given back, for any reason', async () => {
      const { gate, join } = await gateWorld();
      for (const generation of all(1, 2)) await gate.take(generation);
      await gate.noteRefusal(nth(2), 1);
      await join(2);

      await gate.free(nth(1), 'notRun');

      expect(await gate.admit(25)).toEqual(ids(2, 2));
    });

    it('sends an admitted generation back into line, without its slot', async () => {
      const { gate, join, learn, holders } = await gateWorld();
      await learn(2);
      await gate.take(nth(1));
      await join(2);
      expect(await gate.admit(25)).toEqual(ids(2, 2));
      await gate.noteRefusal(OTHER, 1);

      expect(await gate.take(nth(2))).toBe(false);
      expect(await holders()).toEqual(ids(1, 1));
    });

    it('without a number sets the limit to the number of other slots', async () => {
      const { gate, item } = await gateWorld();
      for (const generation of all(1, 6)) await gate.take(generation);

      await gate.noteRefusal(nth(6), undefined);
      const many = await item();
      for (const generation of all(1, 5)) await gate.free(generation, 'ended');
      await gate.take(nth(7));
      await gate.noteRefusal(nth(7), undefined);

      expect([many?.limit, (await item())?.limit]).toEqual([5, 1]);
    });
  });

  describe('with a known limit', () => {
    it('gives exactly twenty-five slots to a hundred concurrent generations', async () => {
      const { gate, learn, holders } = await gateWorld();
      await learn(25);

      const results = await Promise.all(all(1, 100).map((generation) => gate.take(generation)));

      expect(took(results)).toBe(25);
      expect(await holders()).toHaveLength(25);
    });

    it('counts answered Runs, too: their tasks run until they end', async () => {
      const { gate, learn } = await gateWorld();
      await learn(2);
      for (const generation of all(1, 2)) {
        await gate.take(generation);
        await gate.noteRunEnd(generation);
      }

      const full = await gate.take(nth(3));
      await gate.free(nth(1), 'ended');

      expect([full, await gate.take(nth(3))]).toEqual([false, true]);
    });

    it('takes and frees any number of times with the same result', async () => {
      const { gate, learn, holders } = await gateWorld();
      await learn(2);

      const results = [];
      for (const n of [1, 1, 2, 1, 2]) results.push(await gate.take(nth(n)));
      await gate.free(nth(1), 'ended');
      await gate.free(nth(1), 'ended');
      await gate.free({ id: 'never', revision: 1 }, 'notRun');

      expect(results).toEqual([true, true, true, true, true]);
      expect(await holders()).toEqual(ids(2, 2));
      expect(took([await gate.take(nth(3)), await gate.take(nth(4))])).toBe(1);
    });

    it('tries one more after half a minute; accepted, the limit has grown and the next is tried at once', async () => {
      const { gate, learn, pass, item } = await gateWorld();
      await learn(2);
      for (const generation of all(1, 2)) await gate.take(generation);

      pass(29_999);
      const early = await gate.take(nth(3));
      pass(1);
      const probe = await gate.take(nth(3));
      const meanwhile = await gate.take(nth(4));
      await gate.noteRunEnd(nth(3));
      const next = await gate.take(nth(4));

      expect([early, probe, meanwhile, next]).toEqual([false, true, false, true]);
      expect((await item())?.limit).toBe(4);
    });

    it('tries one more after half a minute; refused, the limit is as before for another half', async () => {
      const { gate, learn, pass, item } = await gateWorld();
      await learn(2);
      for (const generation of all(1, 2)) await gate.take(generation);
      pass(30_000);
      await gate.take(nth(3));

      await gate.noteRefusal(nth(3), 2);
      const limit = (await item())?.limit;
      pass(29_999);
      const early = await gate.take(nth(4));
      pass(1);
      const later = await gate.take(nth(4));

      expect([limit, early, later]).toEqual([2, false, true]);
    });

    it('tries one more with the oldest in line', async () => {
      const { gate, learn, pass, join, item } = await gateWorld();
      await learn(1);
      await gate.take(nth(1));
      await join(2, 3);

      const before = await gate.admit(25);
      pass(30_000);
      const probe = await gate.admit(25);
      const meanwhile = await gate.admit(25);

      expect([before, probe, meanwhile]).toEqual([[], ids(2, 2), []]);
      expect(await item()).toMatchObject({ limit: 2, probe: nth(2).id });
    });

    it('tries none while more run than the limit: the balance has shrunk', async () => {
      const { gate, learn, pass } = await gateWorld();
      for (const generation of all(1, 4)) await gate.take(generation);
      await learn(2);

      pass(3_000_000);

      expect(await gate.take(nth(5))).toBe(false);
    });

    it('forgets it an hour after the last refusal', async () => {
      const { gate, learn, pass } = await gateWorld();
      await learn(1);
      await gate.take(nth(1));
      await gate.noteRunEnd(nth(1));
      pass(3_600_000);

      const results = [];
      for (const generation of all(2, 25)) results.push(await gate.take(generation));

      expect(took(results)).toBe(20);
    });
  });

  describe('the line', () => {
    it('is said to have somebody until it was seen empty', async () => {
      const { gate, line, join } = await gateWorld();
      const unseen = gate.hasLine();
      await gate.holders();
      const empty = gate.hasLine();
      await join(1);
      const joined = gate.hasLine();

      await gate.admit(1);
      line.clear();

      expect([unseen, empty, joined, gate.hasLine()]).toEqual([true, false, true, false]);
    });

    it('keeps younger ones back while an older one waits, and lets older ones pass', async () => {
      const { gate, join } = await gateWorld();
      await join(5);

      expect([await gate.take(nth(6)), await gate.take(nth(5)), await gate.take(nth(4))]).toEqual([
        false,
        false,
        true,
      ]);
    });

    it('is served oldest first, whatever the order in which it formed, as many as there is room', async () => {
      const { gate, learn, join, holders } = await gateWorld();
      await learn(3);
      await gate.take(nth(1));
      await join(7, 3, 9, 5);

      const first = await gate.admit(25);
      const second = await gate.admit(25);
      await gate.free(nth(1), 'ended');
      const third = await gate.admit(25);

      expect([first, second, third]).toEqual([ids(3, 3).concat(ids(5, 5)), [], ids(7, 7)]);
      expect(await holders()).toEqual([...ids(3, 3), ...ids(5, 5), ...ids(7, 7)]);
    });

    it('gives an admitted generation its slot at once, and keeps it until the generation takes it', async () => {
      const { gate, learn, join } = await gateWorld();
      await learn(1);
      await join(2, 3);
      expect(await gate.admit(25)).toEqual(ids(2, 2));

      const oldest = await gate.take(nth(1));
      const admitted = await gate.take(nth(2));
      const next = await gate.take(nth(3));

      expect([oldest, admitted, next]).toEqual([false, true, false]);
    });

    it('lets any generation pass once the line is empty', async () => {
      const { gate, join } = await gateWorld();
      await join(5);

      await gate.admit(25);

      expect(await gate.take(nth(9))).toBe(true);
    });

    it('gives concurrent callers of `admit` different generations, and all the room together', async () => {
      const { open, learn, join } = await gateWorld();
      await learn(6);
      await join(...Array.from({ length: 10 }, (_, index) => index + 1));

      const admitted = await Promise.all(Array.from({ length: 5 }, () => open().admit(25)));

      expect(admitted.flat().toSorted()).toEqual(ids(1, 6));
    });

    it('loses no slot that is freed while another call serves it', async () => {
      const { table, gate, open, learn, join } = await gateWorld();
      await learn(2);
      for (const generation of all(1, 2)) await gate.take(generation);
      await join(3, 4);
      await gate.free(nth(1), 'ended');
      let other: readonly string[] = [];
      // Between its read and its write, the second slot is freed and served.
      const overtaken = doFirst(table, 'UpdateItemCommand', async () => {
        await gate.free(nth(2), 'ended');
        other = await gate.admit(25);
      });

      const own = await open(overtaken).admit(25);

      expect([other, own]).toEqual([ids(3, 4), []]);
    });

    it('serves one that the index does not show yet, when it is the oldest', async () => {
      const { gate, learn } = await gateWorld();
      await learn(1);
      await gate.take(nth(1));
      await gate.joinLine(nth(2));
      await gate.free(nth(1), 'ended');

      expect(await gate.admit(25)).toEqual(ids(2, 2));
    });

    it('serves a generation that has just joined, though the index does not show it and the line was served', async () => {
      const { gate, learn, join } = await gateWorld();
      await learn(2);
      await join(2);
      await gate.joinLine(nth(3));
      // Another invocation serves the line, and does not see the third.
      expect(await gate.admit(25)).toEqual(ids(2, 2));

      expect(await gate.admit(25, nth(3))).toEqual(ids(3, 3));
    });

    it('puts a generation that has just joined back into the line, if another call emptied the line and left no room', async () => {
      const { gate, learn, join } = await gateWorld();
      await learn(1);
      await join(2);
      await gate.joinLine(nth(3));
      expect(await gate.admit(25)).toEqual(ids(2, 2));

      const none = await gate.admit(25, nth(3));
      const younger = await gate.take(nth(4));
      await gate.free(nth(2), 'ended');

      expect([none, younger, await gate.admit(25)]).toEqual([[], false, ids(3, 3)]);
    });

    it('is only read by one that finds it full and others in line', async () => {
      const { open, table, learn, line } = await gateWorld();
      await learn(1);
      const gate = open();
      await gate.take(nth(1));
      const send = vi.spyOn(table.client, 'send');
      const requests = async (n: number) => {
        send.mockClear();
        expect(await gate.take(nth(n))).toBe(false);
        line.add(n);
        await gate.joinLine(nth(n));
        expect(await gate.admit(4, nth(n))).toEqual([]);
        return send.mock.calls.map(([command]) => command.constructor.name);
      };

      const [get, update] = ['GetItemCommand', 'UpdateItemCommand'];
      expect([await requests(2), await requests(3)]).toEqual([
        [get, update, get],
        [get, get, get],
      ]);
      send.mockRestore();
      await gate.free(nth(1), 'ended');
      expect(await gate.admit(4)).toEqual(ids(2, 2));
    });

    it('costs no write when the Run of an admission ends, unless it was a probe', async () => {
      const { gate, table, learn, join, pass, item } = await gateWorld();
      await learn(1);
      await join(2, 3);
      const writes = async (n: number) => {
        const send = vi.spyOn(table.client, 'send');
        await gate.noteRunEnd(nth(n));
        const sent = send.mock.calls.length;
        send.mockRestore();
        return sent;
      };

      expect(await gate.admit(1)).toEqual(ids(2, 2));
      expect(await gate.take(nth(2))).toBe(true);
      const within = await writes(2);
      pass(DURATIONS.limitProbe);
      expect(await gate.admit(1)).toEqual(ids(3, 3));
      const before = (await item())?.probe;
      const ofProbe = await writes(3);

      expect([within, before, ofProbe > 0, (await item())?.probe]).toEqual([0, nth(3).id, true, undefined]);
    });

    it('is joined with the answer whether there may be room for it', async () => {
      const { gate, open, learn, pass } = await gateWorld();
      await learn(2);
      await gate.take(nth(1));

      // The line has room, and then others before this one.
      const first = await gate.joinLine(nth(3));
      const behind = await gate.joinLine(nth(4));
      await gate.take(nth(2));
      const full = await gate.joinLine(nth(5));
      const unknown = await open().joinLine(nth(6));
      pass(DURATIONS.limitProbe);
      const probing = await gate.joinLine(nth(7));

      expect([first, behind, full, unknown, probing]).toEqual([true, true, false, true, true]);
    });

    it('puts one in line though the line that was last seen is gone', async () => {
      const { gate, open, learn, join } = await gateWorld();
      await learn(1);
      await join(2);
      expect(await gate.take(nth(3))).toBe(false);
      expect(await open().admit(25)).toEqual(ids(2, 2));

      await gate.joinLine(nth(3));

      await gate.free(nth(2), 'ended');
      expect([await gate.isAwaited(), await gate.take(nth(4))]).toEqual([true, false]);
    });

    it.each([1, 25])(
      'admits nothing twice if another serves the line meanwhile, at most %i',
      async (most) => {
        const { gate, table, open, pauses, learn, line } = await gateWorld();
        await learn(4);
        for (const n of [1, 2, 3]) line.add(n);
        let other: readonly string[] = [];
        // Between its read and its write, another admits all, so that the line is empty again.
        const overtaken = doFirst(table, 'UpdateItemCommand', async () => {
          other = await gate.admit(25, nth(1));
        });

        let nowMs = 0;
        const verySlow = vi.spyOn(performance, 'now').mockImplementation(() => {
          nowMs += 60_000;
          return nowMs;
        });
        const own = await open(overtaken).admit(most, nth(2));
        verySlow.mockRestore();

        expect([other, own, await gate.isAwaited()]).toEqual([ids(1, 3), [], false]);
        // Before it reads again, it pauses for a random time, a fifth of a second at most.
        expect(pauses).toHaveLength(1);
        expect(pauses[0]).toBeLessThanOrEqual(200);
      },
    );

    it('takes a slot after the gate was last seen full', async () => {
      const { open, learn } = await gateWorld();
      await learn(1);
      const [gate, other] = [open(), open()];
      await gate.take(nth(1));
      expect(await gate.take(nth(2))).toBe(false);

      await other.free(nth(1), 'ended');

      expect(await gate.take(nth(2))).toBe(true);
    });

    it('does not start with a generation that another call has admitted meanwhile', async () => {
      const { gate, learn, join } = await gateWorld();
      await learn(1);
      await join(2);
      await gate.admit(25);

      expect(await gate.admit(25, nth(2))).toEqual([]);
      await gate.free(nth(2), 'ended');
      expect(await gate.take(nth(9))).toBe(true);
    });

    it('gives no second slot to an admitted generation that the index still shows', async () => {
      const { gate, learn, join, line } = await gateWorld();
      await learn(2);
      await join(2, 4);
      const first = await gate.admit(1);
      // An older one joins; the index still shows the second.
      await join(1);
      const second = await gate.admit(1);
      line.delete(1);
      line.delete(2);
      await gate.free(nth(2), 'ended');

      expect([first, second, await gate.admit(25)]).toEqual([ids(2, 2), ids(1, 1), ids(4, 4)]);
    });

    it('does not contain a generation that was admitted before it joined', async () => {
      const { gate, learn, join } = await gateWorld();
      await learn(2);
      await join(2);
      await gate.admit(1);

      await gate.joinLine(nth(2));

      expect([await gate.isAwaited(), await gate.take(nth(9))]).toEqual([false, true]);
    });

    it('admits no more than asked for, and the rest the next time', async () => {
      const { gate, learn, join } = await gateWorld();
      await learn(6);
      await join(...Array.from({ length: 9 }, (_, index) => index + 1));

      expect([await gate.admit(4), await gate.admit(4), await gate.admit(4)]).toEqual([
        ids(1, 4),
        ids(5, 6),
        [],
      ]);
    });

    it('is awaited while it has a generation and there is room', async () => {
      const { gate, learn, join } = await gateWorld();
      await learn(1);
      const atFirst = await gate.isAwaited();
      await join(1, 2);
      const withRoom = await gate.isAwaited();
      await gate.admit(4);
      const full = await gate.isAwaited();
      const hasLineAtFirst = await gate.free(nth(1), 'ended');
      const freed = await gate.isAwaited();
      await gate.admit(4);
      const hasLineAtLast = await gate.free(nth(2), 'ended');
      const served = await gate.isAwaited();

      expect([hasLineAtFirst, hasLineAtLast]).toEqual([true, false]);
      expect({ atFirst, withRoom, full, freed, served }).toEqual({
        atFirst: false,
        withRoom: true,
        full: false,
        freed: true,
        served: false,
      });
    });

    it('is not awaited while refusals have shut the gate', async () => {
      const { gate, learn, join, pass } = await gateWorld();
      await learn(2);
      await gate.take(nth(1));
      await join(2);
      await gate.noteRefusal(OTHER, 2);

      const shut = await gate.isAwaited();
      pass(5_000);

      expect([shut, await gate.isAwaited()]).toEqual([false, true]);
    });
  });

  describe('when the answer to a write is lost and the SDK sends it again', () => {
    it('takes a slot, also as a probe and beyond the counted ones', async () => {
      const { table, open, run, learn, pass, holders } = await gateWorld();
      const gate = open(resendWrites(table));
      await run(1, 60);

      const beyond = await gate.take(nth(61));
      await Promise.all(all(2, 61).map((generation) => gate.free(generation, 'ended')));
      await learn(2);
      const second = await gate.take(nth(62));
      pass(30_000);
      const probe = await gate.take(nth(63));

      expect([beyond, second, probe]).toEqual([true, true, true]);
      expect(await holders()).toEqual([...ids(1, 1), ...ids(62, 63)]);
    });

    it('admits, and returns the admitted generations', async () => {
      const { table, open, learn, join } = await gateWorld();
      await learn(3);
      await join(1, 2, 3, 4);

      expect(await open(resendWrites(table)).admit(2)).toEqual(ids(1, 2));
      expect(await open(resendWrites(table)).admit(2)).toEqual(ids(3, 3));
    });
  });

  it('takes a free slot with one request', async () => {
    const { table, open } = await gateWorld();
    const sent: string[] = [];
    const client = {
      send: async (command: Parameters<typeof table.client.send>[0]) => {
        sent.push(command.operation);
        return table.client.send(command);
      },
    };

    await open({ ...table, client: client as unknown as typeof table.client }).take(nth(1));

    expect(sent).toEqual(['UpdateItem']);
  });

  describe('when a holder that froze sends its messages late', () => {
    const queued = nth(1);
    const retry = { ...queued, attempt: 2, revision: 9 };
    const troubled = {
      ...queued,
      revision: 9,
      trouble: {
        since: at(1),
        firstAt: {},
        count: 1,
        code: 'upstream_unavailable' as const,
        message: 'It was away.',
      },
    };

    it.each([
      ['a retry', retry, false],
      ['another try after a setback', troubled, false],
      ['another try after a Run that was lost', { ...queued, revision: 9 }, true],
    ])('%s keeps the slot that it has taken since', async (_, again, isAgain) => {
      const { gate, learn, holders, item } = await gateWorld();
      await learn(1);
      await gate.take({ ...queued, revision: 2 });
      const stale = { ...queued, revision: 5 };
      await gate.free(stale, 'ended');
      const isTaken = await gate.take(again, isAgain);

      const isRoom = await gate.free(stale, 'ended');
      await gate.free(stale, 'notRun');
      await gate.noteRunEnd(stale);
      const isTakenByStale = await gate.take(stale);
      await gate.noteRefusal(stale, 3);

      expect([isTaken, isRoom, isTakenByStale]).toEqual([true, false, false]);
      expect(await item()).toMatchObject({
        limit: 3,
        slots: new Set([queued.id]),
        unanswered: new Set([queued.id]),
      });
      // What it says itself, later, counts; and nothing of it is left.
      await gate.free({ ...again, revision: 12 }, 'ended');
      expect(await holders()).toEqual([]);
      expect(Object.keys((await item()) ?? {}).filter((name) => name.startsWith('taken_'))).toEqual([]);
    });

    it('an admitted generation signs its slot when it takes it', async () => {
      const { gate, learn, join, holders } = await gateWorld();
      await learn(1);
      await join(1);
      await gate.admit(1);

      const isTaken = await gate.take(retry);
      await gate.free(queued, 'ended');

      expect([isTaken, await holders()]).toEqual([true, [queued.id]]);
    });

    it('one beyond the counted slots leaves nothing in the item', async () => {
      const { gate, run, item } = await gateWorld();
      await run(1, 60);

      const isTaken = await gate.take({ ...nth(61), attempt: 2, revision: 9 });
      await gate.noteRunEnd({ ...nth(61), revision: 11 });

      expect(isTaken).toBe(true);
      expect(JSON.stringify(await item())).not.toContain(nth(61).id);
    });
  });

  it('lists signatures that an earlier release left, because it frees slots without them', async () => {
    const { gate, table, holders } = await gateWorld();
    const again = { ...nth(1), attempt: 2, revision: 9 };
    await gate.take(again);
    await table.client.send(
      new UpdateItemCommand({
        TableName: table.tableName,
        Key: { pk: { S: 'gate' }, sk: { S: 'gate' } },
        UpdateExpression: 'DELETE slots :id, unanswered :id',
        ExpressionAttributeValues: { ':id': { SS: [again.id] } },
      }),
    );

    const left = await holders();
    await gate.free({ ...again, revision: 12 }, 'ended');

    expect([left, await holders()]).toEqual([[again.id], []]);
  });

  describe('with a maximum of the deployment', () => {
    it('lets no more run than that without a known limit', async () => {
      const { open, holders } = await gateWorld();
      const gate = open(undefined, 3);

      const results = [];
      for (const generation of all(1, 4)) results.push(await gate.take(generation));
      await Promise.all(all(1, 3).map((generation) => gate.noteRunEnd(generation)));
      results.push(await gate.take(nth(5)));

      expect([results, await holders()]).toEqual([[true, true, true, false, false], ids(1, 3)]);
      // A holder keeps its slot, and an ended task makes room.
      expect(await gate.take(nth(2))).toBe(true);
      await gate.free(nth(1), 'ended');
      expect(await gate.take(nth(5))).toBe(true);
    });

    it('admits no more than that and sends no probe, whatever Wiro would run', async () => {
      const { open, learn, join, pass, item } = await gateWorld();
      const gate = open(undefined, 3);
      await learn(5);
      await join(1, 2, 3, 4);

      const admitted = await gate.admit(25);
      pass(30_000);

      expect([admitted, await gate.admit(25), await gate.isAwaited(), await gate.take(nth(4))]).toEqual([
        ids(1, 3),
        [],
        false,
        false,
      ]);
      expect(await item()).toMatchObject({ limit: 5 });
    });

    it("keeps to Wiro's limit if that is lower", async () => {
      const { open, learn, join } = await gateWorld();
      const gate = open(undefined, 3);
      await learn(2);
      await join(1, 2, 3);

      expect(await gate.admit(25)).toEqual(ids(1, 2));
    });

    it('holds with ten concurrent generations', async () => {
      const { open, learn, holders } = await gateWorld();
      await learn(500);

      const results = await Promise.all(all(1, 10).map((generation) => open(undefined, 4).take(generation)));

      expect([took(results), (await holders()).length]).toEqual([4, 4]);
    });
  });
});
