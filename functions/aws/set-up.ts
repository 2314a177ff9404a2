/**
 * How to store a deployment's secrets, for a message. It names both commands, because the functions cannot tell whether
 * this repository or another CDK app deployed them.
 */
export const SET_UP = 'run "npm run setup" (in another app: "npx wiro-serverless-setup")';
