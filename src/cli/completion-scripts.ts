/**
 * One script per shell. Each hands the words typed so far to `berth __complete` and offers the
 * lines that come back, so that a new command needs no new script.
 */
export const SCRIPTS: Readonly<Record<'bash' | 'zsh' | 'fish', string>> = {
  bash: `# completion of berth for bash: source <(berth completion bash)
_berth() {
  local IFS=$'\\n' found
  found=$("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "$found" = ':files' ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  else
    COMPREPLY=($found)
  fi
}
complete -F _berth berth ./berth
`,
  zsh: `#compdef berth
# completion of berth for zsh: berth completion zsh > "\${fpath[1]}/_berth"
_berth() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$found[1]" == ':files' ]]; then
    _files
  else
    compadd -- "\${(@)found:#}"
  fi
}
if [ "$funcstack[1]" = _berth ]; then _berth; else compdef _berth berth; fi
`,
  fish: `# completion of berth for fish: berth completion fish > ~/.config/fish/completions/berth.fish
function __berth_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  if test "$found[1]" = ':files'
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c berth -f -a '(__berth_complete)'
`,
};
