import { App } from 'aws-cdk-lib';
import { bundleFunctions } from './build/bundle-functions.ts';
import { ConfigurationError } from './checks/configuration-error.ts';
import { WiroStack } from './stack.ts';
import { readStackSettings, SettingError } from './stack-settings.ts';

try {
  // Automatic synthesis at exit would add errors about the incomplete app after our message.
  const app = new App({ autoSynth: false });
  const settings = readStackSettings((name) => app.node.tryGetContext(name));
  new WiroStack(app, settings, await bundleFunctions());
  app.synth();
} catch (error) {
  if (!(error instanceof SettingError || error instanceof ConfigurationError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
