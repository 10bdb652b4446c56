#!/bin/sh
# The first process of a host of the lab (PID 1 of its namespaces; their mounts are private).
# usage: host-init.sh HOSTNAME DISK STAGING MOUNTS [SOURCE TARGET ro|rw]... PROGRAM [ARGUMENT]...
# It sets the host up, says so on file descriptor 3, and keeps PROGRAM running, as systemd does on a machine.
# `wait` of the shell also reaps the processes whose parent has died: an engine outlives its agent.
set -eu
host=$1 disk=$2 staging=$3 mounts=$4
shift 4

echo "$host" >/proc/sys/kernel/hostname
# The gateway listens on the virtual address before it holds it.
echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind

# -n: the notes of mount(8) in /run/mount are the machine's, not ours.
# /run is filled beside its place: a source may itself lie under /run.
mkdir -p "$staging"
mount -n -t tmpfs -o mode=755,nosuid,nodev run "$staging"
while [ "$mounts" -gt 0 ]; do
  source=$1 point=$staging/${2#/run/} access=$3
  shift 3
  mounts=$((mounts - 1))
  if [ -d "$source" ]; then
    mkdir -p "$point"
  else
    mkdir -p "${point%/*}"
    : >"$point"
  fi
  mount -n --bind -o "$access" "$source" "$point"
done

# A mount of a namespace would keep it alive: no other host of the lab, and no container, could be taken down.
mounted=$(cat /proc/self/mountinfo)
printf '%s\n' "$mounted" | while read -r _ _ _ _ point rest; do
  case $rest in
    # Another lab may take its namespace down meanwhile, and this mount with it.
    *' - nsfs '*) umount -n "$point" || ! grep -qF " $point " /proc/self/mountinfo ;;
  esac
done

mount -n --move "$staging" /run
# Last: it hides the folder of the labs, where the sources of mounts may lie.
mount -n -t ext4 -o loop,noatime,noinit_itable "$disk" /var/lib/nines
# Shared memory of killed engines goes with the host. /tmp stays the machine's: a checkout may lie there.
mount -n -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm
cd /
echo ready >&3
exec 3>&-

set +e
while :; do
  "$@"
  echo "init: $1 ended with status $?, it is started again"
  sleep 0.2
done
