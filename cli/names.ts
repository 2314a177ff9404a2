import { IS_PACKAGED } from '../infra/construct/is-packaged.ts';

/** How the user starts this program, ready for a command: for sentences that say how to go on. */
export const COMMAND = IS_PACKAGED ? 'npx wiro-serverless' : 'npm run -s cli --';
