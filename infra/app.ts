import { App } from 'aws-cdk-lib';
import { bundleFunctions } from './bundle.ts';
import { WiroStack } from './stack.ts';
import { readStackSettings, SettingError } from './stack-settings.ts';

try {
  const app = new App();
  const settings = readStackSettings((name) => app.node.tryGetContext(name));
  new WiroStack(app, settings, await bundleFunctions());
  app.synth();
} catch (error) {
  if (!(error instanceof SettingError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
