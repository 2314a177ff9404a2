import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { describePrice } from '../describe.ts';
import {
  addRequestOptions,
  placeholder,
  type RequestOptions,
  readRequestOptions,
  refused,
  withInputs,
} from '../request-options.ts';
import { fields, plain } from '../text.ts';

export function configure(command: Command, cli: Cli): void {
  addRequestOptions(
    command
      .description('Checks a request and tells its price. Nothing is stored, run or charged.')
      .argument('<model>', 'owner/project'),
  ).action(async (model: string, options: RequestOptions) => {
    // Local files stay here: only their number and kind matter.
    const request = await withInputs(await readRequestOptions(model, options), placeholder);
    const client = await cli.client();
    const answer = await client.price(request, { signal: cli.signal });
    if (cli.isJson) cli.printJson(answer);
    else if (answer.valid)
      cli.print(
        fields([
          ['Price', describePrice(answer.price)],
          ['In line', answer.ahead ? `${answer.ahead} generations are ahead` : undefined],
          ['Warnings', answer.warnings.map(({ message }) => plain(message)).join('\n')],
          [
            'Unchecked',
            answer.schemaUnchecked &&
              'Wiro did not say which parameters the model takes: they were not checked',
          ],
        ]),
      );
    if (!answer.valid) throw refused(answer.problems.map(({ message }) => plain(message)));
  });
}
