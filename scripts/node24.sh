# shellcheck shell=sh
# The first hop: from a fresh clone and whatever Node the machine has to Berth's packages and
# Node 24. Sourced by ./berth and scripts/test.sh with `root` set to the checkout; gives them
#
#   ensure_packages production|everything   the npm packages are there, and fit package-lock.json
#   find_node24                             sets `node` to a Node of version 24 or newer
#
# Both end the script with one line of what to do when they cannot. Everything is said on standard
# error: standard output belongs to the command that was typed.

# The oldest Node whose npm knows this lockfile and the options used here.
NODE_FIRST_HOP_MIN=18
# Says which package-lock.json the packages were installed for; the last thing an install writes
# and the first thing it removes, so a broken-off install is never taken for a whole one.
installed_mark=node_modules/.berth-installed
# What npm itself writes last; it stands for an install that somebody made by hand.
npm_mark=node_modules/.package-lock.json

ensure_packages() {
  packages_fit "$1" && return
  first_hop_possible
  # The kernel gives the lock back when its holder ends, however that comes about. npm inherits it:
  # one that goes on after its starter was killed keeps others away until it is done.
  mkdir -p "$root/.cache" 2>/dev/null || not_writable
  : >>"$root/.cache/install.lock" 2>/dev/null || not_writable
  exec 9>>"$root/.cache/install.lock"
  if ! flock --nonblock 9; then
    echo "berth: waiting for another process that installs Berth's packages" >&2
    flock 9
  fi
  packages_fit "$1" || install_packages "$1"
  exec 9>&-
}

find_node24() {
  case $(node -v 2>/dev/null) in
  v2[4-9].* | v[3-9][0-9].*) node=node ;;
  *)
    node=$root/node_modules/.bin/node
    [ -x "$node" ] || fail "there is no Node 24 for this machine ($(uname -m)) among Berth's packages: install Node.js 24 or newer"
    ;;
  esac
}

packages_fit() {
  [ "$1" = production ] || has_everything || return 1
  installed=
  if [ -r "$root/$installed_mark" ]; then read -r installed <"$root/$installed_mark"; fi
  [ -n "$installed" ] && [ "$installed" = "$(lockfile_sum)" ] && return
  [ -e "$root/$npm_mark" ] && [ ! "$root/package-lock.json" -nt "$root/$npm_mark" ]
}

# The compiler stands for all packages that only development needs.
has_everything() {
  [ -e "$root/node_modules/typescript/package.json" ]
}

lockfile_sum() {
  cksum <"$root/package-lock.json"
}

first_hop_possible() {
  version=$(node -v 2>/dev/null) || fail 'Berth needs Node.js and npm: install Node.js 20 or newer (Debian: apt-get install nodejs npm)'
  major=${version#v}
  [ "${major%%.*}" -ge "$NODE_FIRST_HOP_MIN" ] || fail "Node.js $version is too old: install version 20 or newer"
  command -v npm >/dev/null || fail 'Berth needs npm to install its packages (Debian: apt-get install npm)'
  command -v flock >/dev/null || fail 'Berth needs the program flock (package util-linux)'
}

# An install never takes away what is there: where a contributor has everything, ./berth keeps it.
install_packages() {
  omit=--omit=dev
  if [ "$1" = everything ] || has_everything; then omit=--include=dev; fi
  echo "berth: installing Berth's packages, once" >&2
  rm -f "$root/$installed_mark" "$root/$npm_mark" || not_writable
  # optional: that is where Node 24 comes from, whatever the user's own npm settings leave out.
  (cd "$root" && exec npm ci "$omit" --include=optional --loglevel=error >&2) ||
    fail "npm could not install Berth's packages: see its message above, then run the command again"
  lockfile_sum >"$root/$installed_mark"
}

not_writable() {
  fail "Berth's packages must be installed into $root, where this user may not write: run ./berth once as its owner"
}

fail() {
  echo "berth: $1" >&2
  exit 1
}
