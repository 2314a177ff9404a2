import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Described {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly DescribedOption[];
}

interface DescribedOption {
  readonly flags: readonly string[];
  readonly summary: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** Writes the script that completes a program's commands, options and the values that are known. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.map((command) => describe(command, program));
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](program.name(), commands);
}

function describe(command: Command, program: Command): Described {
  const options = [...command.options, ...program.options.filter(({ long }) => long !== '--version')];
  // An argument with choices completes like an option without flags.
  const fromArguments = command.registeredArguments.flatMap(({ argChoices }) =>
    argChoices === undefined ? [] : [{ flags: [], summary: '', takesValue: false, choices: argChoices }],
  );
  return {
    name: command.name(),
    summary: firstSentence(command.description()),
    options: [...options.map(describeOption), ...fromArguments],
  };
}

const describeOption = ({ short, long, description, required, argChoices }: Option): DescribedOption => ({
  flags: [short, long].filter((flag) => flag !== undefined),
  summary: description,
  takesValue: required,
  choices: argChoices ?? [],
});

const firstSentence = (text: string): string => text.split(/\.\s/)[0]?.replace(/\.$/, '') ?? '';

/** Quotes a word for every shell. */
const quote = (text: string): string => `'${text.replaceAll("'", '’')}'`;

const wordsOf = ({ options }: Described): string =>
  options.flatMap(({ flags, choices }) => (flags.length > 0 ? flags : choices)).join(' ');

function bashScript(name: string, commands: readonly Described[]): string {
  const id = name.replaceAll('-', '_');
  const choices = commands.flatMap((command) =>
    command.options
      .filter((option) => option.flags.length > 0 && option.choices.length > 0)
      .map(
        ({ flags, choices: words }) =>
          `    ${flags.map((flag) => `${command.name}:${flag}`).join('|')}) words=${quote(words.join(' '))} ;;`,
      ),
  );
  return `# bash completion of ${name}
_${id}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= words= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
${commands.map((command) => `      ${command.name}) command=${command.name}; break ;;`).join('\n')}
    esac
  done
  case $command in
    '') words=${quote(commands.map((command) => command.name).join(' '))} ;;
${commands.map((command) => `    ${command.name}) words=${quote(wordsOf(command))} ;;`).join('\n')}
  esac
  case $command:$previous in
${choices.join('\n')}
    *) ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${id} ${name}
`;
}

function zshScript(name: string, commands: readonly Described[]): string {
  const escaped = (text: string) => text.replaceAll(/[[\]:\\]/g, (found) => `\\${found}`);
  const spec = ({ flags, summary, takesValue, choices }: DescribedOption): readonly string[] => {
    if (flags.length === 0) return [quote(`1:value:(${choices.join(' ')})`)];
    const value = !takesValue ? '' : choices.length > 0 ? `:value:(${choices.join(' ')})` : ':value:_files';
    return flags.map((flag) => quote(`*${flag}[${escaped(summary)}]${value}`));
  };
  return `#compdef ${name}
_${name.replaceAll('-', '_')}() {
  local -a commands=(
${commands.map((command) => `    ${quote(`${command.name}:${escaped(command.summary)}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map((command) => `    ${command.name}) _arguments ${command.options.flatMap(spec).join(' ')} '*::file:_files' ;;`).join('\n')}
  esac
}
# In a folder of fpath, this file is the function's own body at its first call. Sourced, it registers the function.
if [[ $funcstack[1] == _${name} ]]; then
  _${name.replaceAll('-', '_')} "$@"
else
  compdef _${name.replaceAll('-', '_')} ${name}
fi
`;
}

function fishScript(name: string, commands: readonly Described[]): string {
  const names = commands.map((command) => command.name).join(' ');
  const lines = commands.flatMap((command) => [
    `complete -c ${name} -n "not __fish_seen_subcommand_from ${names}" -f -a ${command.name} -d ${quote(command.summary)}`,
    ...command.options.map(({ flags, summary, takesValue, choices }) => {
      const here = `complete -c ${name} -n "__fish_seen_subcommand_from ${command.name}"`;
      if (flags.length === 0) return `${here} -f -a ${quote(choices.join(' '))}`;
      const spelled = flags.map((flag) =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const value = takesValue ? (choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : ' -r') : '';
      return `${here} ${spelled.join(' ')}${value} -d ${quote(summary)}`;
    }),
  ]);
  return `# fish completion of ${name}\n${lines.join('\n')}\n`;
}
