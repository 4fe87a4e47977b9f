/**
 * Loaded before a program, makes as if koffi were not installed:
 *
 *     npm run test:without-koffi        the tests of the engine, with what they then skip
 *
 * The engine does without the kernel's facts then: `client.hasProofs` is false, and tests that need them say so and skip.
 */

import { Module } from 'node:module';

type Load = (request: string, ...more: unknown[]) => unknown;
const modules = Module as unknown as { _load: Load };
const load = modules._load;

modules._load = (request, ...more) => {
  if (request === 'koffi') throw Object.assign(new Error("Cannot find module 'koffi'"), { code: 'MODULE_NOT_FOUND' });
  return load(request, ...more);
};
