/**
 * How to store a deployment's secrets, for a message. Functions are the same whoever deploys them: the project's
 * repository, or another CDK app with the package.
 */
export const SET_UP = 'run "npm run setup" (in another app: "npx wiro-serverless-setup")';
