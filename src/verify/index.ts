/** Proof that a filling is what its profile says. */
export { type Comparison, compareTable, TOLERANCES, type Verdict } from './comparison.ts';
export { renderVerification, type VerificationText } from './render.ts';
export { type VerifyRequest, verifyFilling } from './verify.ts';
