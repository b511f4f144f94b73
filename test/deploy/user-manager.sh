# A manager of systemd in namespaces of its own, with one unit: user-manager.sh UNIT URL PROJECT NODE DROP-IN
# It is a user's manager, run by root: one of the system wants to be process 1 of a machine. What it says is for units.ts.
set -eu
unit=$1 url=$2 project=$3 node=$4 drop_in=$5

mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /opt
mkdir /opt/app /opt/hangup
for folder in /opt/app /opt/hangup; do mount --bind "$project" $folder; done
mount -t tmpfs tmpfs /var/cache
mkdir /var/cache/hangup-gateway
mount --bind "$node" /usr/bin/node
ip link set lo up

# What process 1 of a machine makes: without it the manager believes that there is no systemd, and can hide nothing.
mkdir -p /run/systemd/system /run/systemd/inaccessible/dir /run/manager
touch /run/systemd/inaccessible/reg
mkfifo /run/systemd/inaccessible/fifo
mknod /run/systemd/inaccessible/chr c 0 0
mknod /run/systemd/inaccessible/blk b 0 0
chmod 000 /run/systemd/inaccessible/*

# Not /run/user: ProtectHome hides that, and with it the socket that a unit says READY to.
export XDG_RUNTIME_DIR=/run/manager XDG_CONFIG_HOME=/run/config HOME=/run container=test
mkdir -p "/run/config/systemd/user/$unit.d"
cp "$(dirname "$0")/../../deploy/systemd/$unit" /run/config/systemd/user/
printf '%s\n' "$drop_in" > "/run/config/systemd/user/$unit.d/test.conf"
python3 -m http.server 8000 --bind 127.0.0.1 --directory "$project" > /dev/null 2>&1 &

/lib/systemd/systemd --user --unit="$unit" --log-target=null < /dev/null > /dev/null 2>&1 &
tries=0
until curl --silent --fail --output /dev/null "$url"; do
  tries=$((tries + 1))
  test $tries -lt 100 || { systemctl --user status "$unit"; cat /run/stderr; exit 1; }
  sleep 0.1
done

until test "$(systemctl --user is-active "$unit")" = active; do
  tries=$((tries + 1))
  test $tries -lt 100 || { systemctl --user status "$unit"; cat /run/stderr; exit 1; }
  sleep 0.1
done
systemctl --user show --property Type,ActiveState "$unit"

pid=$(systemctl --user show --property MainPID --value "$unit")
grep -E '^(CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status"
curl --silent --show-error "${url}slow" --output /run/slow --write-out 'slow %{http_code}\n' &
request=$!
sleep 0.3
systemctl --user stop "$unit"
wait $request
systemctl --user show --property Result,ExecMainStatus "$unit"
kill -KILL -1
