/** Defined by the package's build. */
declare const PACKAGED: true | undefined;

/**
 * Whether this code runs from the installed package rather than from the project's own repository. Messages must name
 * commands and files that exist for their reader.
 */
export const IS_PACKAGED = typeof PACKAGED !== 'undefined';

/** The command that stores the secrets. */
export const SETUP_COMMAND = IS_PACKAGED ? 'npx wiro-serverless-setup' : 'npm run setup';
