/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/diff.h"

static void assert_diff(const char *old_text, const char *new_text, const char *wanted)
{
	struct diff d;
	struct str s = {0};
	diff_texts(&d, old_text, strlen(old_text), new_text, strlen(new_text), 1);
	diff_print(&s, &d, "a", "b");
	assert_string_equal(str_text(&s), wanted);
	str_finish(&s);
	diff_finish(&d);
}

static void unified(void **state)
{
	(void)state;
	assert_diff("a\nb\nc\n", "a\nb\nc\n", "");
	assert_diff("", "", "");
	assert_diff("a\nb\nc\nd\ne\n", "a\nb\nX\nd\ne\n", "--- a\n+++ b\n@@ -2,3 +2,3 @@\n b\n-c\n+X\n d\n");
	assert_diff("", "a\n", "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+a\n");
	assert_diff("a\n", "", "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-a\n");
	assert_diff("a\nb", "a\nb\n",
		    "--- a\n+++ b\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
	/* Two changes, near (one hunk) and far (two). */
	assert_diff("1\na\nb\n2\n", "X\na\nb\nY\n",
		    "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-1\n+X\n a\n b\n-2\n+Y\n");
	assert_diff("1\na\nb\nc\n2\n", "X\na\nb\nc\nY\n",
	            "--- a\n+++ b\n@@ -1,2 +1,2 @@\n-1\n+X\n a\n@@ -4,2 +4,2 @@\n c\n-2\n+Y\n");
}

static size_t longest_common(const char *a, size_t n, const char *b, size_t m)
{
	size_t table[41][41] = {{0}};
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++)
			table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
				: table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] : table[i][j - 1];
	return table[n][m];
}

static size_t random_text(char letters[40], struct str *text, unsigned *seed)
{
	size_t n = (size_t)rand_r(seed) % 40;
	for (size_t i = 0; i < n; i++) {
		letters[i] = (char)('a' + rand_r(seed) % 4);
		str_addf(text, "%c\n", letters[i]);
	}
	return n;
}

/* With the whole text as context the two sides must come back, and no shorter way may exist. */
static void shortest_and_right(void **state)
{
	(void)state;
	unsigned seed = 7;
	for (int round = 0; round < 3000; round++) {
		char a[40], b[40];
		struct str old_text = {0}, new_text = {0}, old_back = {0}, new_back = {0};
		struct diff d;
		size_t n = random_text(a, &old_text, &seed), m = random_text(b, &new_text, &seed);
		diff_texts(&d, str_text(&old_text), old_text.len, str_text(&new_text), new_text.len, 100);
		for (size_t i = 0; i < d.n; i++) {
			if (d.lines[i].kind != DIFF_ADDED && d.lines[i].kind != DIFF_HUNK)
				str_addf(&old_back, "%c\n", d.lines[i].text[0]);
			if (d.lines[i].kind != DIFF_REMOVED && d.lines[i].kind != DIFF_HUNK)
				str_addf(&new_back, "%c\n", d.lines[i].text[0]);
		}
		if (d.n) {
			assert_string_equal(str_text(&old_back), str_text(&old_text));
			assert_string_equal(str_text(&new_back), str_text(&new_text));
		}
		size_t same = longest_common(a, n, b, m);
		assert_int_equal(d.removed, n - same);
		assert_int_equal(d.added, m - same);
		diff_finish(&d);
		str_finish(&old_text);
		str_finish(&new_text);
		str_finish(&old_back);
		str_finish(&new_back);
	}
}

/* Nothing in common, and much: it must end, and soon. */
static void bounded(void **state)
{
	(void)state;
	struct str a = {0}, b = {0};
	struct diff d;
	for (int i = 0; i < 20000; i++) {
		str_addf(&a, "old %d\n", i);
		str_addf(&b, "new %d\n", i);
	}
	diff_texts(&d, a.s, a.len, b.s, b.len, 3);
	assert_int_equal(d.removed, 20000);
	assert_int_equal(d.added, 20000);
	diff_finish(&d);
	for (int i = 0; i < 60000; i++)
		str_addc(&a, '\n');
	diff_texts(&d, a.s, a.len, b.s, b.len, 3);
	assert_int_equal(d.added, 20000);
	diff_finish(&d);
	str_finish(&a);
	str_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unified),
		cmocka_unit_test(shortest_and_right),
		cmocka_unit_test(bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
