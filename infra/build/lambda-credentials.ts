import { lambdaCredentials } from '../../functions/aws/sign.ts';

/**
 * Replaces `@aws-sdk/credential-provider-node` in the bundles. Every client loads that package, which searches eight
 * sources (SSO, profiles, processes, instance metadata…). Lambda needs only one.
 */
export const defaultProvider = () => lambdaCredentials;
