export { type ErrorCode, type Fault, HoldfastError } from './errors.js';
export { engineOriginSeconds } from './observe.js';
