# Becomes the systemd of a small machine: run in namespaces of its own by systemd_machine.py. Arguments: an empty folder, then FROM=TO to mount.
# The machine has this machine's files under a layer that is thrown away, a /dev and /run of its own, and this machine's network.
set -eu
folder=$1
shift

mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
root=$folder/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"

mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/var/log"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/var/tmp"

for pair; do
    mkdir -p "$root/${pair#*=}"
    mount --bind "${pair%%=*}" "$root/${pair#*=}"
    mount -o remount,bind,ro "$root/${pair#*=}"
done

# Of all that this machine has installed nothing is started but systemd itself and its journal.
rm -rf "$root"/etc/systemd/system "$root"/usr/lib/systemd/system/*.target.wants "$root"/usr/lib/systemd/system-generators
mkdir "$root/etc/systemd/system"
ln -s /dev/null "$root/etc/systemd/system/systemd-journald-audit.socket"
: > "$root/etc/fstab"
printf '[Unit]\nRequires=basic.target systemd-journald.service\nAfter=basic.target systemd-journald.service\n' \
    > "$root/etc/systemd/system/machine.target"

cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
# As systemd does it where it is not in a container: credentials reach a service by a mount of somebody else's.
mount --make-rshared /
# What reaches through to the kernel that all share stays outside.
exec env -i container=namespaces PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_boot,-sys_module,-sys_time,-sys_rawio,-syslog /lib/systemd/systemd --unit=machine.target
