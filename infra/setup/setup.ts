import { parseArgs } from 'node:util';
import { IS_PACKAGED, SETUP_COMMAND } from '../construct/is-packaged.ts';
import { runSetup, type SetupOptions } from './run-setup.ts';

/** The command, ready for options. */
const COMMAND = IS_PACKAGED ? SETUP_COMMAND : `${SETUP_COMMAND} --`;
const WHERE = '--stack NAME | --path /wiro/NAME';
const HELP = `${COMMAND} ${IS_PACKAGED ? `(${WHERE})` : `[${WHERE}]`} [--key-only | --rotate [--force]]

Stores the secrets of a deployment, encrypted, in AWS Systems Manager Parameter Store. Run it before the first
"npx cdk deploy". It reads the Wiro API key and secret from WIRO_API_KEY and WIRO_API_SECRET or asks for them, and
generates the secret that signs callbacks. You can run it again: it only replaces values that you give.

  --stack NAME   the stack that uses the secrets${IS_PACKAGED ? '' : ' (default: WiroServerless)'}
  --path PATH    the path of the parameters, if ${IS_PACKAGED ? 'the app sets one: WiroCredentials.fromParameters({ path })' : 'the stack has another parameterPath'}
  --key-only     the Wiro project has an API key and no secret
  --rotate       only replaces the secret that signs callbacks; the previous one stays valid for now
  --force        rotates even if tasks may still call back with the previous secret
`;

/** @returns `undefined` for `--help`. */
function readOptions(): SetupOptions | undefined {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      stack: { type: 'string' },
      path: { type: 'string' },
      'key-only': flag,
      rotate: flag,
      force: flag,
      help: { ...flag, short: 'h' },
    },
  });
  if (values.help) return undefined;
  const { stack, path, 'key-only': isKeyOnly, rotate: isRotation, force: isForced } = values;
  return { stack, path, isKeyOnly, isRotation, isForced };
}

let options: SetupOptions | undefined;
try {
  options = readOptions();
  if (options === undefined) process.stdout.write(HELP);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  process.exitCode = 1;
}
if (options !== undefined)
  await runSetup(options).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
