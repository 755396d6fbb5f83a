import { Argument, Command } from "commander";
import type { CommandEntry, CommandModule } from "./command-entry.ts";
import { printLines } from "./print.ts";

/** A command's words: its name, what it does, and its options with what they do. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly {
    readonly long: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
}

const SHELLS: Readonly<Record<string, (commands: readonly Completed[]) => readonly string[]>> = { bash, zsh, fish };

/** The command that prints what completes these commands. */
export function completionOf(entries: readonly CommandEntry[]): CommandModule {
  return {
    define: (command) => {
      command
        .addArgument(new Argument("<shell>", "which shell").choices(Object.keys(SHELLS)))
        .addHelpText("after", HELP)
        .action(async (shell: string) => printLines([...SHELLS[shell]!(await completedOf(entries))]));
    },
  };
}

const HELP = `
bash:  source <(boltq completion bash)    in ~/.bashrc
zsh:   source <(boltq completion zsh)     in ~/.zshrc, after compinit
fish:  boltq completion fish > ~/.config/fish/completions/boltq.fish`;

async function completedOf(entries: readonly CommandEntry[]): Promise<Completed[]> {
  return Promise.all(
    entries.map(async ({ name, summary, load }) => {
      const command = new Command(name);
      if (name !== "completion") (await load()).define(command);
      const options = command.options.flatMap(({ long, description, argChoices = [] }) =>
        long === undefined || long === null ? [] : [{ long, description, choices: argChoices }],
      );
      return { name, summary, options };
    }),
  );
}

/** The options of each command, its choices behind an option that has some; files elsewhere. */
function bash(commands: readonly Completed[]): string[] {
  return [
    "_boltq() {",
    `  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"`,
    `  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} help" -- "$word")); return; fi`,
    `  case "\${COMP_WORDS[1]} $before" in`,
    ...commands.flatMap(({ name, options }) =>
      options
        .filter(({ choices }) => choices.length > 0)
        .map(
          ({ long, choices }) =>
            `    "${name} ${long}") COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$word")); return;;`,
        ),
    ),
    "  esac",
    '  [[ "$word" == -* ]] || { COMPREPLY=($(compgen -f -- "$word")); return; }',
    `  case "\${COMP_WORDS[1]}" in`,
    ...commands.map(
      ({ name, options }) =>
        `    ${name}) COMPREPLY=($(compgen -W "${[...options.map(({ long }) => long), "--help"].join(" ")}" -- "$word"));;`,
    ),
    "  esac",
    "}",
    "complete -o filenames -F _boltq boltq",
  ];
}

function zsh(commands: readonly Completed[]): string[] {
  return ["autoload -U +X bashcompinit && bashcompinit", ...bash(commands)];
}

function fish(commands: readonly Completed[]): string[] {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return commands.flatMap(({ name, summary, options }) => [
    `complete -c boltq -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...options.map(({ long, description, choices }) => {
      const words = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : "";
      return `complete -c boltq -n '__fish_seen_subcommand_from ${name}' -l ${long.slice(2)}${words} -d ${quoted(description)}`;
    }),
  ]);
}
