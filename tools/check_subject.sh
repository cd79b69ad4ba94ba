#!/bin/sh
# Refuses a commit message whose subject is longer than 72 characters, or whose second line is not empty.
set -eu
subject=$(sed -n 1p "$1")
second=$(sed -n 2p "$1")
case "$subject" in
    Merge\ * | fixup!\ * | squash!\ *) exit 0 ;;
esac
length=$(printf %s "$subject" | wc -m)
[ "$length" -le 72 ] || { echo "the subject has $length characters; 72 are allowed, the rest belongs in the body"; exit 1; }
[ -z "$second" ] || { echo "the second line of a commit message has to be empty"; exit 1; }
