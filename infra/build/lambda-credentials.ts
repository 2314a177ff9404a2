import { lambdaCredentials } from '../../functions/aws/credentials.ts';

/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles. That package looks for credentials in eight
 * places (SSO, profiles, processes, instance metadata…), and every client loads it; Lambda has but one.
 */
export const defaultProvider = () => lambdaCredentials;
