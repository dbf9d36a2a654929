export { type HeaderValues } from './authorization.js';
export { type Actor, Claims, type Parent } from './claims.js';
export { type Fetch } from './fetch.js';
export { ProtectedResource } from './protected-resource.js';
export { type Challenge, type Reason, Refusal, type Scheme } from './refusal.js';
export { type FeedSettings } from './revocation-feed.js';
export { InvalidScopes, RequiredScopes, type ScopesProblem } from './scopes.js';
export { type VerifierOptions } from './settings.js';
export { type ProtectedRequest, Verifier } from './verifier.js';
