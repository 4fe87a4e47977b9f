/**
 * Which exchanges are meant to take long: event streams, which say so in their type, and long polling, which HTTP has no word for. A
 * poll is known by its name, or by the answer “nothing new”. RFC 6202 describes both.
 *
 * Deliberately absent: any look at the times. A server that takes three seconds each time may be slow as well.
 */
import type { Exchange } from './model.js';

/** As Consul (wait, index), Kubernetes (watch), Telegram (getUpdates), socket.io (transport=polling) and many others name them. */
const pollPath = /(^|[^a-z])(long-?poll(ing)?|poll(ing)?|comet|getupdates|subscribe)([^a-z]|$)/i;
const pollQuery = /[?&](watch|wait|waitindex|long-?poll|poll|transport=polling)(=|&|$)/i;

export const isPoll = (target: string): boolean => pollPath.test(target) || (target.includes('?') && pollQuery.test(target));

export function isMeantToWait({ isStream, target, method, status }: Exchange): boolean {
  return isStream || (method === 'GET' && (status === 204 || status === 304)) || isPoll(target);
}
