import { parseArgs } from 'node:util';
import { keepCompiled } from '../support/keep-compiled.ts';
import { caseName, parseCaseName } from './calls.ts';
import { describeFailure, formatTable, runCrashMatrix, runSingleCase } from './crash-matrix.ts';

// `npm run test:faults`: the whole crash matrix, or one case of it.
keepCompiled();
const { values } = parseArgs({
  options: {
    case: { type: 'string' },
    flow: { type: 'string', multiple: true },
    share: { type: 'string' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string' },
  },
});
const seed = Number(values.seed);
const begun = performance.now();
const seconds = () => Math.round((performance.now() - begun) / 1000);

if (values.case !== undefined) {
  const outcome = await runSingleCase(parseCaseName(values.case));
  const { problems, killed, durationMs } = outcome;
  if (problems.length > 0) console.log(describeFailure(outcome, seed));
  else if (killed === undefined) console.log('The call did not come: nobody was killed, and all went well.');
  else console.log(`✓ ${killed} killed, and all is well after ${Math.round(durationMs)} ms`);
  process.exitCode = problems.length === 0 && killed !== undefined ? 0 : 1;
} else {
  const flows = await runCrashMatrix({
    seed,
    ...(values.flow && { flows: values.flow }),
    ...(values.share !== undefined && { share: Number(values.share) }),
    ...(values.workers !== undefined && { workers: Number(values.workers) }),
    onCase: (outcome, { done, of }) => {
      if (outcome.problems.length > 0) console.log(describeFailure(outcome, seed));
      if (outcome.slow !== undefined)
        console.log(`… ${caseName(outcome.crash)} got stuck once\n  ${outcome.slow}`);
      if (done % 50 === 0) console.log(`${done} of ${of} cases, ${seconds()} s`);
    },
  });
  for (const { flow, problems, state } of flows)
    if (problems.length > 0) console.log(`✗ ${flow}, undisturbed\n  ${problems.join('\n  ')}\n${state}`);
  const missed = flows.flatMap(({ outcomes }) => outcomes.filter(({ killed }) => killed === undefined));
  if (missed.length > 0)
    console.log(`\nnot met:\n${missed.map(({ crash }) => `  ${caseName(crash)}`).join('\n')}`);
  console.log(`\n${formatTable(flows)}\n\n${seconds()} s, seed ${seed}`);
  const isRight = flows.every(
    ({ problems, outcomes }) =>
      problems.length === 0 && outcomes.every((outcome) => outcome.problems.length === 0),
  );
  process.exitCode = isRight ? 0 : 1;
}
