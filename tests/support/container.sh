# Runs a command in the files of a container, in namespaces of its own; see container.py. Arguments: layers, the topmost first and the base last;
# where the files are put together; rw or ro; FROM=TO for each folder of ours that it has; a line --; the command.
set -eu
layers=$1 folder=$2 how=$3
shift 3
root=$folder/root
mkdir -p "$root" "$folder/upper" "$folder/work"
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
while [ "$1" != -- ]; do
    to=$root/${1#*=}
    if [ -d "${1%%=*}" ]; then mkdir -p "$to"; elif [ ! -e "$to" ]; then mkdir -p "${to%/*}" && : > "$to"; fi
    mount --bind "${1%%=*}" "$to"
    shift
done
shift
# At last: an engine too makes the places that are mounted to.
if [ "$how" = ro ]; then mount -o remount,bind,ro "$root"; fi
exec chroot "$root" "$@"
