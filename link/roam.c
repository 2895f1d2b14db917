/* SPDX-License-Identifier: Apache-2.0 */
/* Following a phone; the rules are in the header. */
#include "link/roam.h"

#include <string.h>

void roam_init(struct roam *roam, const struct link_path *path)
{
	*roam = (struct roam){.path = *path, .before = *path};
}

/* RFC 9000 A.3: the number nearest to the one that is expected. */
static uint64_t whole_number(uint64_t expected, uint32_t number, unsigned bytes)
{
	uint64_t window = UINT64_C(1) << (8 * bytes);
	uint64_t candidate = (expected & ~(window - 1)) | number;

	if (candidate + window / 2 <= expected)
		return candidate + window;
	if (candidate > expected + window / 2 && candidate >= window)
		return candidate - window;
	return candidate;
}

static bool same(const struct link_path *a, const struct link_path *b)
{
	return a->socket == b->socket && link_address_equal(&a->remote, &b->remote);
}

static void go(struct roam *roam, const struct link_path *path, size_t len, uint64_t trusted_ns)
{
	roam->before = roam->path;
	roam->path = *path;
	roam->trusted_ns = trusted_ns;
	roam->credit = 3 * (uint64_t)len;
}

bool roam_heard(struct roam *roam, const struct link_path *path, uint32_t number, unsigned bytes,
		size_t len, uint64_t rtt_ns, uint64_t now_ns)
{
	uint64_t whole = whole_number(roam->newest, number, bytes);
	bool newest = whole >= roam->newest;
	bool again = whole + 1 == roam->newest;

	if (newest)
		roam->newest = whole + 1;
	if (same(&roam->path, path)) {
		roam->credit += 3 * (uint64_t)len;
		if (newest && roam->trusted_ns <= now_ns)
			roam->trusted_ns = 0;
	} else if (newest) {
		go(roam, path, len, now_ns + rtt_ns);
	} else if (again && roam->trusted_ns && same(&roam->before, path)) {
		go(roam, path, len, 0);
	}
	return newest;
}

bool roam_may_send(const struct roam *roam, size_t len)
{
	return roam->trusted_ns == 0 || roam->credit >= len;
}

void roam_sent(struct roam *roam, size_t len)
{
	if (roam->trusted_ns)
		roam->credit -= len < roam->credit ? len : roam->credit;
}
