#!/usr/bin/env bash
# Runs the commands that the README promises on a machine that has only Node, npm and git: a minimal Debian in a folder
# (debootstrap and chroot), once as root in a home that nobody else can enter, once as an ordinary user. Needs root on Debian or
# Ubuntu, the package debootstrap, 6 GB of disk for each trial, and network access. Tests what is committed.
set -euo pipefail

usage() {
  cat <<'TEXT'
tests/empty-machine/run.sh [OPTION…] [RELEASE…]
  RELEASE           bookworm (Debian 12), trixie (Debian 13) or another one that debootstrap knows; default: both
  --as root|user    only this trial; default: both
  --demo-only       without `npm test`
  --tests FILTERS   what `npm test` runs: names of files for Vitest, in quotes; default: all, for 30 minutes and more
  --dir DIRECTORY   where the machines are made; default: /var/tmp/windrow-empty-machine
  --keep            leaves the machines in place, to look around in them with chroot
TEXT
}

if [ "$(id -u)" != 0 ]; then
  echo "run it as root: it makes a root file system and changes into it" >&2
  exit 2
fi
if ! command -v debootstrap >/dev/null; then
  echo "debootstrap is missing: apt-get update && apt-get install -y debootstrap" >&2
  exit 2
fi

# All mounts and processes of the trials belong to this command's own namespaces. They are gone when it ends, so that removing a
# machine's folder never reaches through a mount.
if [ -z "${WINDROW_EMPTY_MACHINE_INNER:-}" ]; then
  WINDROW_EMPTY_MACHINE_INNER=1 exec unshare --mount --pid --fork --kill-child --propagation private -- "$0" "$@"
fi

# This shell is the first process of its namespace, which a signal without a handler does not end.
trap 'exit 130' INT TERM

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
directory=/var/tmp/windrow-empty-machine
releases=()
accounts=(root user)
tests=()
with_tests=yes
keep=no
while [ $# -gt 0 ]; do
  case $1 in
    --as) accounts=("$2"); shift ;;
    --demo-only) with_tests=no ;;
    --tests) read -ra tests <<<"$2"; shift ;;
    --dir) directory=$2; shift ;;
    --keep) keep=yes ;;
    --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) releases+=("$1") ;;
  esac
  shift
done
[ ${#releases[@]} -gt 0 ] || releases=(bookworm trixie)
mkdir -p "$directory"

# The machine before anything of Windrow: base system, git, certificates, and this machine's Node with npm.
make_base() {
  local release=$1 base=$directory/$1.base
  [ -e "$base/usr/bin/node" ] && return
  rm -rf "$base"
  debootstrap --variant=minbase --include=ca-certificates,git "$release" "$base" >"$directory/$release.log" 2>&1 ||
    { tail -n 20 "$directory/$release.log"; exit 1; }
  local npm
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  mkdir -p "$base/usr/lib/node_modules"
  cp -a "$npm" "$base/usr/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$base/usr/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$base/usr/bin/npx"
  copy_client_settings "$base"
  cp -L "$(command -v node)" "$base/usr/bin/node"
}

# How this machine reaches the network: its resolver, its certificates, and what its clients are told in their own files.
copy_client_settings() {
  local base=$1 file
  for file in /etc/resolv.conf /etc/hosts /etc/npmrc "$(npm prefix -g)/etc/npmrc" /etc/pip.conf \
    /root/.npmrc /root/.m2/settings.xml /root/.config/pip/pip.conf; do
    [ -e "$file" ] && install -D -m 644 "$file" "$base$file"
  done
  if [ -n "$(ls -A /usr/local/share/ca-certificates 2>/dev/null)" ]; then
    cp -a /usr/local/share/ca-certificates/. "$base/usr/local/share/ca-certificates/"
    chroot "$base" update-ca-certificates >/dev/null 2>&1
  fi
}

# What names certificates, proxies and time limits of the network, from this machine's environment.
network_environment() {
  env | grep -iE '^[a-z0-9_]*(_proxy|CERTS?|CERT_FILE|CERT_DIR|CA_BUNDLE|CAINFO|_TIMEOUT)=' || true
}

# in_machine ACCOUNT COMMAND: runs a shell command in the clone, with nothing of this machine's environment but the above.
in_machine() {
  local account=$1 command=$2 home=/home/user environment
  [ "$account" = root ] && home=/root
  mapfile -t environment < <(network_environment)
  env -i "${environment[@]}" HOME="$home" USER="$account" LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot --userspec="$account:$account" "$machine" /bin/bash -c "cd ~/windrow 2>/dev/null || cd; $command"
}

start_machine() {
  machine=$directory/$1.$2
  if [ -e "$machine" ]; then
    echo "$machine is there already; remove it first" >&2
    exit 1
  fi
  cp -a "$directory/$1.base" "$machine"
  mount -t proc proc "$machine/proc"
  mount --rbind /dev "$machine/dev"
  chmod 700 "$machine/root"
  chroot "$machine" passwd -d root >/dev/null 2>&1
  if [ "$2" = user ]; then
    chroot "$machine" useradd --create-home --shell /bin/bash user
    for file in .npmrc .m2 .config; do
      [ -e "$machine/root/$file" ] && cp -a "$machine/root/$file" "$machine/home/user/"
    done
    chroot "$machine" chown -R user:user /home/user
  fi
  git clone --quiet --no-local "$repository" "$machine/tmp/windrow"
  git -C "$machine/tmp/windrow" checkout --quiet --detach "$(git -C "$repository" rev-parse HEAD)"
  chroot "$machine" bash -c "chown -R $2:$2 /tmp/windrow && mv /tmp/windrow ~$2/"
  in_machine "$2" 'echo "== '"$1, $2"': $(. /etc/os-release; echo $PRETTY_NAME), Node $(node --version), $(git --version)"; stat -c "home: %A %U %n" ~'
}

stop_machine() {
  # What is left running (nothing should be) would keep the mounts.
  umount --recursive "$machine/dev" "$machine/proc"
  if grep -q " $machine/" /proc/self/mounts; then
    echo "$machine still has mounts" >&2
    exit 1
  fi
  [ "$keep" = yes ] || rm -rf --one-file-system "$machine"
}

# step TITLE EXPECTED_STATUS COMMAND…: reports, and remembers a failure.
failures=0
step() {
  local title=$1 expected=$2 begun=$SECONDS status
  shift 2
  echo "== $title"
  set +e
  "$@" 2>&1 | tee "$directory/step.log"
  status=${PIPESTATUS[0]}
  set -e
  echo "== took $((SECONDS - begun)) s, exit code $status"
  if [ "$expected" = any ] || [ "$status" = "$expected" ]; then return; fi
  echo "== FAILED: expected exit code $expected"
  failures=$((failures + 1))
}

# The command that set-up printed for what is missing.
printed_command() {
  sed -n 's/^Install with: //p' "$directory/step.log" | tail -n 1
}

# As an ordinary user: the command refuses and prints what installs the rest; after that very command it works.
try() {
  local account=$1 command=$2
  if [ "$account" = user ]; then
    step "$command, with parts missing" 1 in_machine user "$command"
    local install
    install=$(printed_command)
    if [ -z "$install" ]; then
      echo "== FAILED: no command was printed"
      failures=$((failures + 1))
      return
    fi
    step "the printed command: $install" 0 in_machine user "$install >/tmp/install.log 2>&1 || { tail -n 20 /tmp/install.log; false; }"
  fi
  step "$command" 0 in_machine "$account" "$command"
  step "set-up again: nothing to do" 0 in_machine "$account" 'npm run setup'
}

for release in "${releases[@]}"; do
  make_base "$release"
  for account in "${accounts[@]}"; do
    start_machine "$release" "$account"
    try "$account" 'npm run demo'
    if [ "$with_tests" = yes ]; then try "$account" "npm test -- ${tests[*]}"; fi
    stop_machine
  done
done
if [ "$failures" -gt 0 ]; then
  echo "== $failures steps failed"
  exit 1
fi
echo "== all trials passed: ${releases[*]}, as ${accounts[*]}"
