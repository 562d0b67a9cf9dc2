/**
 * `patient-sync completion bash|zsh`: a script for the shell that completes commands, their options and fixed values.
 *
 * The script contains every word, so completing starts no program. Plain JavaScript, which needs no build: a shell
 * runs this command each time it starts.
 */
const USAGE = `Usage: npx patient-sync completion bash|zsh
  bash  add to ~/.bashrc: source <(patient-sync completion bash)
  zsh   add to ~/.zshrc, after compinit: source <(patient-sync completion zsh)`;

/** @returns the script, the usage, or undefined when the arguments are wrong */
export function completion(commands, args) {
  const [shell, ...more] = args;
  if (shell === '--help' || shell === '-h') return USAGE;
  if (more.length > 0) return undefined;
  if (shell === 'bash') return bashScript(Object.entries(commands));
  if (shell === 'zsh') return zshScript(Object.entries(commands));
  return undefined;
}

completion.usage = USAGE;

function bashScript(commands) {
  const names = commands.map(([name]) => name).join(' ');
  return `# Completion of patient-sync for bash: source <(patient-sync completion bash)
_patient_sync() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" joined= words=
  # bash splits --option=value into three words.
  if [ "$previous" = '=' ]; then joined="\${COMP_WORDS[COMP_CWORD-2]}="; previous=
  elif [ "$current" = '=' ]; then joined="$previous="; current=; previous=
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then words='${names} --help'
  else
    case "$command $previous" in
${commands.flatMap(bashValues).join('\n')}
    *)
      case "$command" in
${commands.map(bashWords).join('\n')}
      esac ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$joined$current"))
  [ -z "$joined" ] || COMPREPLY=("\${COMPREPLY[@]#"$joined"}")
}
complete -F _patient_sync patient-sync`;
}

function bashValues([name, { words = [], options }]) {
  const valued = Object.entries(options).filter(
    ([option, values]) => values !== null && !option.endsWith('='),
  );
  const lines = valued.map(([option, values]) => `    '${name} ${option}') words='${values.join(' ')}' ;;`);
  return words.length === 0
    ? lines
    : [...lines, `    '${name} ${name}') words='${words.join(' ')} --help' ;;`];
}

function bashWords([name, { options }]) {
  const words = Object.entries(options).flatMap(([option, values]) =>
    option.endsWith('=') ? values.map((value) => `${option}${value}`) : [option],
  );
  return `      ${name}) words='${[...words, '--help'].join(' ')}' ;;`;
}

function zshScript(commands) {
  return `#compdef patient-sync
# Completion of patient-sync for zsh: source <(patient-sync completion zsh)
_patient_sync() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${commands.map(([name, { what }]) => `      '${name}:${what}'`).join('\n')}
    )
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case "$words[1]" in
${commands.map(zshCommand).join('\n')}
  esac
}
if [ "$funcstack[1]" = _patient_sync ]; then _patient_sync "$@"; else compdef _patient_sync patient-sync; fi`;
}

function zshCommand([name, { words = [], options, repeats = [] }]) {
  const specs = Object.entries(options).map(([option, values]) =>
    zshOption(repeats.includes(option) ? `*${option}` : option, values),
  );
  if (words.length > 0) specs.unshift(`1:${name}:(${words.join(' ')})`);
  return `    ${name}) _arguments ${[...specs, '--help'].map((spec) => `'${spec}'`).join(' ')} ;;`;
}

/** "=-": the value is in the same word. */
function zshOption(option, values) {
  if (values === null) return option;
  const label = option.replace(/[-=*]+/g, ' ').trim();
  return `${option.replace(/=$/, '=-')}:${label}:(${values.join(' ')})`;
}
