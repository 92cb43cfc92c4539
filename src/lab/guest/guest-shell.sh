#!/bin/sh
# Runs scripts in the guest whose console guest-shell.ts holds, and prints what became of them in
# frames that can be told from whatever else is written to a console. Typed there as:
#   here ID                        says that it is there
#   put ID NUMBER SIZE TEXT        keeps a piece of a script, in base64, if TEXT is of that size
#   run ID LENGTH COUNT SIZE TEXT  runs COUNT such pieces and TEXT, once: the same ID again only
#                                  tells of it
#   tell ID OFFSET LENGTH          tells of the last run, with that part of its output
# The answer to all is a frame: {{ID WORD}}, or {{ID STATUS SIZE OFFSET SUM, a part of the output in
# base64, and }} with the same words again; SUM is the SHA-256 of the part.
# It starts as few programs as it can: each takes an emulated Debian 50 ms.
folder=/run/berth-shell/files

begin() {
  rm -f "$folder/ended" "$folder/output" # an earlier script's children may still write to it
  echo "$1" >"$folder/begun"
  count=$2
  while [ "$count" -gt 0 ]; do
    count=$((count - 1))
    set -- "$1" "$2" "$3" "$(cat "$folder/piece.$count")$4"
  done
  echo "$4" | base64 -d >"$folder/script"
  sh "$folder/script" </dev/null >"$folder/output" 2>&1
  end $?
}

end() {
  echo "$1 $(($(wc -c <"$folder/output")))" >"$folder/ended"
}

tell() {
  [ -e "$folder/ended" ] || end 137 # begin was killed together with the script
  read -r ended <"$folder/ended"
  part=$folder/part
  if [ "$2" -gt 0 ]; then
    tail -c "+$(($2 + 1))" "$folder/output" | head -c "$3" >"$part"
  else
    head -c "$3" "$folder/output" >"$part"
  fi
  sum=$(sha256sum <"$part")
  head="$1 $ended $2 ${sum%% *}"
  printf '\n{{%s\n' "$head"
  base64 "$part"
  printf '}}%s\n' "$head"
}

[ -d "$folder" ] || mkdir -p "$folder"
case $1 in
here)
  rm -f "$0".*
  printf '\n{{%s here}}\n' "$2"
  ;;
put)
  [ ${#5} -eq "$4" ] && printf %s "$5" >"$folder/piece.$3" && printf '\n{{%s kept}}\n' "$2"
  ;;
run)
  begun=
  [ ! -e "$folder/begun" ] || read -r begun <"$folder/begun"
  if [ ${#6} -eq "$5" ] || [ "$begun" = "$2" ]; then
    [ "$begun" = "$2" ] || begin "$2" "$4" "$5" "$6"
    tell "$2" 0 "$3"
  fi
  ;;
tell) tell "$2" "$3" "$4" ;;
esac
