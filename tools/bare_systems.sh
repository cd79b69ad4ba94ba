#!/bin/sh
# Tries the commands of README on systems that have only what README asks for, and prints a table of them: each system is
# made by debootstrap below build/bare, with Python, gcc, make and git. First comes a user who may install nothing, and whom
# the command tells what to hand to an administrator; then root. Arguments name the systems; all where there are none.
# BARE_COMMANDS are the targets to try ("demo test" where that is not set). It takes root, and some GB. Ubuntu takes the
# keys of its archive; where there is no package of them, BARE_UNVERIFIED=1 does without. BARE_EXPIRED=1 takes lists of
# packages that are past their date, as of a mirror that stands still.
set -eu
cd "$(dirname "$0")/.."
work=$PWD/build/bare
commands=${BARE_COMMANDS:-demo test}
[ "$(id -u)" = 0 ] || { echo "==> make bare is for root: it makes systems to change into"; exit 1; }
# What is mounted here is seen by nobody else, and ends with this script, whatever ends it.
[ "${BARE_APART:-}" = 1 ] || BARE_APART=1 exec unshare --mount --propagation private sh tools/bare_systems.sh "$@"
[ $# -gt 0 ] || set -- bookworm trixie sid noble

mkdir -p "$work"
missing=
for package in debootstrap ubuntu-archive-keyring; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        ! apt-cache policy "$package" | grep -q 'Candidate: [0-9]' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "==> apt-get install$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
# debootstrap knows the systems of its own time; all of a kind are made alike.
rm -rf "$work/debootstrap"
cp -R /usr/share/debootstrap "$work"
export DEBOOTSTRAP_DIR="$work/debootstrap"
for name in noble; do
    [ -e "$DEBOOTSTRAP_DIR/scripts/$name" ] || ln -s gutsy "$DEBOOTSTRAP_DIR/scripts/$name"
done

# In a system, as a user, in the folder of the source.
inside() {
    root=$1 user=$2
    shift 2
    chroot "$root" /usr/bin/env -i HOME="/home/$user" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 SSL_CERT_FILE="$certificates" PIP_CERT="$certificates" \
        setpriv --reuid "$user" --regid "$user" --init-groups sh -c "cd /home/$user/source && $*"
}

table=$work/table
printf '%-10s %-8s %-6s %-6s %s\n' system Python user target result >"$table"
row() {
    printf '%-10s %-8s %-6s %-6s %s\n' "$suite" "$version" "$1" "$2" "$3" >>"$table"
    printf '==> %s, %s, make %s: %s\n' "$suite" "$1" "$2" "$3"
}

certificates=/etc/ssl/certs/ca-certificates.crt
failed=0
for suite; do
    root=$work/$suite
    rm -rf --one-file-system "$root"
    echo "==> $suite: debootstrap"
    components=main
    [ ! "$DEBOOTSTRAP_DIR/scripts/$suite" -ef "$DEBOOTSTRAP_DIR/scripts/gutsy" ] || components=main,universe
    check=
    if [ $components != main ] && [ ! -e /usr/share/keyrings/ubuntu-archive-keyring.gpg ]; then
        if [ "${BARE_UNVERIFIED:-}" != 1 ]; then
            version=-
            row - - "not tried: no keys of its archive here; BARE_UNVERIFIED=1 does without"
            continue
        fi
        check=--no-check-gpg
    fi
    if ! debootstrap $check --variant=minbase --components=$components \
        --include=ca-certificates,python3,gcc,libc6-dev,make,git "$suite" "$root" >"$work/$suite.log" 2>&1; then
        version=-
        row - - "cannot be made; see build/bare/$suite.log"
        failed=1
        continue
    fi
    mount --bind /dev "$root/dev"
    mount --bind /dev/pts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t proc proc "$root/proc"
    # This machine's way to the package index.
    for file in /etc/resolv.conf /etc/pip.conf "$certificates"; do
        [ ! -e "$file" ] || cp -L "$file" "$root$file"
    done
    [ "${BARE_EXPIRED:-}" != 1 ] ||
        echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90expired"
    chroot "$root" useradd --create-home user
    for name in user root; do
        home=/home/$name
        mkdir -p "$root$home/source"
        git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$root$home/source"
    done
    chroot "$root" chown -R user:user /home/user
    version=$(chroot "$root" python3 -c 'import platform; print(platform.python_version())')

    for user in user root; do
        for target in $commands; do
            log=$work/$suite-$user-$target.log
            # The line for the administrator, who does what it says.
            if ! inside "$root" "$user" make "$target" >"$log" 2>&1 && [ "$user" = user ]; then
                line=$(grep '^apt-get install' "$log" | tail -n 1)
                if [ -n "$line" ]; then
                    row user "$target" "asks for: ${line#apt-get install }"
                    chroot "$root" sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive $line -y -qq --no-install-recommends" \
                        >>"$work/$suite.log" 2>&1 || true
                fi
            fi
            if inside "$root" "$user" make "$target" >"$log" 2>&1; then
                result="passes $(grep -aoE '[0-9]+ passed.* in .*s' "$log" | tail -n 1 || true)"
            else
                result="FAILS; see ${log#"$PWD/"}"
                failed=1
            fi
            row "$user" "$target" "$result"
        done
    done
done
cat "$table"
exit "$failed"
