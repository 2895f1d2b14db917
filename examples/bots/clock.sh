#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A bot over the command: answers "!time" in one group with the time, UTC, until it is interrupted.
#
#	SOTTO_HOME=... SOTTO_PASSPHRASE_FILE=... clock.sh GROUP
#
# It reads lines of JSON, one for each thing that comes, which begin with its id. What others write stands in there with
# its quotation marks escaped, so that no text can look like another field; and nothing of a line is used but the id,
# which is 32 digits.
set -eu

[ $# -eq 1 ] || {
	echo "usage: clock.sh GROUP" >&2
	exit 2
}
group=$1

sotto read "$group" --new --follow --json | while read -r line; do
	case $line in
	*'"changed":'* | *'"notice":'*) continue ;;
	*'"text":"!time"'*) ;;
	*) continue ;;
	esac
	case $line in
	*'"state":"received"'*) ;;
	*) continue ;;
	esac
	id=$(printf '%s\n' "$line" | sed -n 's/^{"id":"\([0-9a-f]\{32\}\)".*/\1/p')
	[ -n "$id" ] || continue
	sotto send "$group" "$(date -u '+%Y-%m-%d %H:%M') UTC" --reply "$id" </dev/null >/dev/null ||
		echo "not answered" >&2
done
