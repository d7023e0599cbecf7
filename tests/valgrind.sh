#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Units that start no threads of load and hold no deadline of their own, under valgrind: no wrong access, no lost memory. Not
# those that filter: PCRE2's compiled expressions read a few bytes past what they judge, which valgrind cannot know.
set -u
build=${BUILD:-build}
command -v valgrind >/dev/null || { echo 'ok 1 - valgrind # skip it is not installed'; echo '0 passed, 0 failed, 1 skipped'; exit 0; }
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for name in base_str base_utf8 base_yaml base_tree base_option model_record \
	model_service_file model_promtext model_timeline model_why route rollout tui_canvas tui_keys tui_list tui_widgets; do
	if CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99 \
		"$build/tests/unit/$name" >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) - $name under valgrind"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) - $name under valgrind"
		sed 's/^/    /' "$log"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
