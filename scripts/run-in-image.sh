#!/usr/bin/env bash
# Runs a command in a built image as a restricted pod would: the image's own numeric user, no capabilities, a read-only
# root file system, /tmp (empty at every start) the only place to write to, and host folders at the same path:
#   scripts/run-in-image.sh localhost/entp-cpu:test --mount DIR --env NAME=VALUE -- entp --version
# Exits as the command does. The image's user (group 0) needs its own permission to write to a mounted folder, and the
# command shares the host's network. With buildah, which needs root, the image is mounted once and found again by the
# next call.
set -euo pipefail

usage="usage: run-in-image.sh IMAGE [--mount DIR]... [--env NAME=VALUE]... -- COMMAND [ARGUMENT]..."
image=${1:?$usage}
shift
mounts=() variables=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case $1 in
    --mount) mounts+=("$(realpath -e "${2:?$usage}")") ;;
    --env) variables+=("${2:?$usage}") ;;
    *) echo "$usage" >&2 && exit 2 ;;
  esac
  shift 2
done
[ $# -gt 1 ] || { echo "$usage" >&2 && exit 2; }
shift

for tool in docker podman; do
  "$tool" image inspect "$image" > /dev/null 2>&1 || continue
  options=(--rm --read-only --tmpfs /tmp:mode=1777,exec --cap-drop ALL --security-opt no-new-privileges --network host)
  for mount in "${mounts[@]}"; do options+=(--volume "$mount:$mount"); done
  for variable in "${variables[@]}"; do options+=(--env "$variable"); done
  exec "$tool" run "${options[@]}" --entrypoint "$1" "$image" "${@:2}"
done

# One working container per image name, renewed when the name stands for another image.
container=entp-run-$(tr -c '[:alnum:]\n' - <<< "$image")
mount_image() {
  local current
  current=$(buildah inspect --type image --format '{{.FromImageID}}' "$image") || exit 4
  if [ "$(buildah inspect --format '{{.FromImageID}}' "$container" 2> /dev/null)" != "$current" ]; then
    buildah rm "$container" > /dev/null 2>&1 || true
    buildah from --pull-never --name "$container" "$image" > /dev/null
  fi
  buildah mount "$container"
}
config() { buildah inspect --format "{{$1}}" "$container"; }

exec 9> "/tmp/$container.lock"
flock 9
root=$(mount_image)
exec 9>&-
user=$(config .OCIv1.Config.User)
workdir=$(config .OCIv1.Config.WorkingDir)
mapfile -t environment < <(config 'range .OCIv1.Config.Env}}{{println .}}{{end')

# In a mount namespace of its own: the mount points, then the root read-only, then what is writable on top of it.
restrict='
  set -euo pipefail
  root=$1 mounts=$2; shift 2
  mount --bind "$root" "$root"
  touch "$root/etc/hosts" "$root/etc/resolv.conf"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
  for ((i = 0; i < mounts; i++)); do
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    shift
  done
  for file in /etc/hosts /etc/resolv.conf; do mount --bind -o ro "$file" "$root$file"; done
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
  for device in null zero full random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mkdir -m 1777 "$root/dev/shm"
  mount -t tmpfs -o mode=1777,nosuid,nodev,size=64m tmpfs "$root/dev/shm"
  mount -o remount,bind,ro "$root/dev"
  mount -o remount,bind,ro "$root"
  exec "$@"
'
exec unshare --mount bash -c "$restrict" - "$root" "${#mounts[@]}" "${mounts[@]}" \
  setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+setuid,+setgid,+sys_chroot \
  chroot --userspec="$user" --groups= "$root" \
  env -i --chdir="$workdir" "${environment[@]}" "${variables[@]}" "$@"
