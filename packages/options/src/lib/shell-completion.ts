import type { Candidate } from "./complete-option.ts";

/**
 * What a program prints for the scripts of {@link formatBashCompletion} and {@link formatZshCompletion}: a line for each
 * candidate, of its kind, its text and its help with tabs between them. Candidates that a line cannot hold are left out.
 */
export function formatCandidates(candidates: readonly Candidate[]): string {
  return candidates
    .filter(({ text }) => !/[\t\n]/.test(text))
    .map(({ kind, text, help }) => `${kind}\t${text}\t${(help ?? "").replaceAll(/[\t\n]/g, " ")}\n`)
    .join("");
}

/**
 * The script by which bash completes the command line of `program`, a plain command name. It calls
 * `program completionFlag WORD…` with the words up to the cursor, and reads what {@link formatCandidates} makes of
 * `completeCommandLine`. It needs nothing but bash 4.
 */
export function formatBashCompletion(program: string, completionFlag: string): string {
  const name = functionName(program);
  return `# bash completion for ${program}

${name}() {
  local rest=\${COMP_LINE:0:COMP_POINT} stripped word line kind text path prefix i
  local -a given=()
  # Bash splits words at = and :, too; what no blank separates belongs together.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    stripped=\${rest#"\${rest%%[![:space:]]*}"}
    if ((i == COMP_CWORD)); then word=$stripped; else word=\${COMP_WORDS[i]}; fi
    if ((i > 0)) && [[ $stripped == "$rest" ]]; then
      given[\${#given[@]}-1]+=$word
    else
      given+=("$word")
    fi
    rest=\${stripped#"$word"}
  done
  local cur=\${given[\${#given[@]}-1]}
  # Only what stands behind the last of these is replaced.
  prefix=
  if [[ $COMP_WORDBREAKS == *=* && $cur == *=* ]]; then prefix=\${cur%"\${cur##*=}"}; fi
  if [[ $COMP_WORDBREAKS == *:* && \${cur#"$prefix"} == *:* ]]; then prefix=\${cur%"\${cur##*:}"}; fi
  COMPREPLY=()
  while IFS= read -r line; do
    kind=\${line%%$'\\t'*}
    text=\${line#*$'\\t'}
    text=\${text%%$'\\t'*}
    case $kind in
      file)
        path=\${cur#"$text"}
        while IFS= read -r path; do
          printf -v line %q "$path"
          if [[ -d $path ]]; then line+=/; fi
          line=$text$line
          COMPREPLY+=("\${line#"$prefix"}")
        done < <(compgen -f -- "\${path//\\\\/}")
        ;;
      flag) COMPREPLY+=("\${text#"$prefix"} ") ;;
      *) COMPREPLY+=("\${text#"$prefix"}") ;;
    esac
  done < <("$1" ${completionFlag} "\${given[@]:1}" 2>/dev/null)
}

complete -o nospace -F ${name} ${program}
`;
}

/** The script by which zsh completes the command line of `program`; otherwise like {@link formatBashCompletion}. */
export function formatZshCompletion(program: string, completionFlag: string): string {
  const name = functionName(program);
  return `#compdef ${program}
# zsh completion for ${program}

${name}() {
  local line kind text help
  local -a flags flag_lines others other_lines
  for line in "\${(@f)$("\${(Q)words[1]}" ${completionFlag} "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    kind=\${line%%$'\\t'*}
    text=\${line#*$'\\t'}
    help=\${text#*$'\\t'}
    text=\${text%%$'\\t'*}
    case $kind in
      file)
        compset -p \${#text}
        # Behind a folder stands a slash, behind a file nothing yet.
        _path_files -/
        _path_files -S '' -g '*(^-/)'
        return
        ;;
      flag)
        flags+=("$text")
        flag_lines+=("$text\${help:+  -- $help}")
        ;;
      *)
        others+=("$text")
        other_lines+=("$text\${help:+  -- $help}")
        ;;
    esac
  done
  (($#flags)) && compadd -l -d flag_lines -a flags
  (($#others)) && compadd -S '' -l -d other_lines -a others
}

if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}

/** The script by which fish completes the command line of `program`; otherwise like {@link formatBashCompletion}. */
export function formatFishCompletion(program: string, completionFlag: string): string {
  const name = `_${functionName(program)}`;
  return `# fish completion for ${program}

function ${name}
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] ${completionFlag} $words[2..-1] "$current" 2>/dev/null)
    for line in $lines
        set -l fields (string split \\t -- $line)
        switch $fields[1]
            case file
                set -l from (math (string length -- $fields[2]) + 1)
                set -l path (string sub -s $from -- $current)
                for found in (__fish_complete_path "$path")
                    echo $fields[2]$found
                end
            case value
                printf '%s\\t%s\\n' $fields[2] $fields[3]
                # With a second one to choose from, fish does not end the word, which may go on.
                if test (count $lines) -eq 1
                    printf '%s,\\n' $fields[2]
                end
            case '*'
                printf '%s\\t%s\\n' $fields[2] $fields[3]
        end
    end
end

complete -c ${program} -f -a '(${name})'
`;
}

/** A shell function's name. */
function functionName(program: string): string {
  return `_${program.replaceAll(/[^A-Za-z0-9_]/g, "_")}`;
}
