import type { S3EventRecord } from 'aws-lambda';
import { MOST_DELIVERIES } from '../functions.ts';
import type { Delivery } from '../store/delivery-store.ts';
import { isIgnored, keyUnder, type Put, readPut } from './put.ts';
import type { ReceiveObjectsDeps } from './receive-deps.ts';
import { giveUpDrop, receiveDrop, uploadsIn } from './receive-drop.ts';
import { receiveMisplaced } from './receive-misplaced.ts';
import { giveUpRequestFile, receiveRequestFile } from './receive-request-file.ts';

type Receive = (deps: ReceiveObjectsDeps, put: Put, delivery: Delivery) => Promise<void>;

/**
 * Receives one new object of the input bucket: a request file, or a file dropped into a preset's folder. Acts only on the
 * put that the event names, and only while it is current. A replacement has an event of its own. Every other object is
 * answered, except the markers of folders and what operating systems leave. If the last delivery fails, the file is
 * answered, and then the error is thrown, so that it raises an alarm.
 */
export async function receiveObject(
  deps: ReceiveObjectsDeps,
  record: Pick<S3EventRecord, 's3'> & Partial<Pick<S3EventRecord, 'eventTime'>>,
): Promise<void> {
  const put = readPut(record, deps.clock());
  const door = doorOf(put);
  if (door === undefined) return;
  const delivery = await deps.deliveries.begin(put.event);
  try {
    await door.receive(deps, put, delivery);
  } catch (error) {
    if (delivery.tries < MOST_DELIVERIES) throw error;
    await door.giveUp(deps, put, await deps.deliveries.find(put.event));
    throw error;
  }
}

function doorOf(put: Put): { readonly receive: Receive; readonly giveUp: Receive } | undefined {
  if (isIgnored(put)) return undefined;
  if (uploadsIn(put).length > 0) return { receive: receiveDrop, giveUp: giveUpDrop };
  if (keyUnder(put, 'uploads') !== undefined) return { receive: receiveMisplaced, giveUp: receiveMisplaced };
  if (keyUnder(put, 'requests') !== undefined)
    return { receive: receiveRequestFile, giveUp: giveUpRequestFile };
  return undefined;
}
