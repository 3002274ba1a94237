/** Proof that a filling is what its profile says. */
export { compareTable } from './comparison.ts';
export { type Comparison, TOLERANCES, type Verdict } from './figure.ts';
export { renderVerification, type VerificationText } from './render.ts';
export { type VerifyRequest, verifyFilling } from './verify.ts';
