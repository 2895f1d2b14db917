/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the other end of a link is.
 *
 * A relay follows a phone by RFC 9000 9.3: to where the packet with the highest number came from. A copy
 * has a number that was seen, so it moves nothing; a copy that overtakes its original moves the
 * link until the original comes: the newest number once more, from where the phone was before, moves it back. Until a round trip has passed there, the new place gets at most three
 * times what came from it (8.1), and at any time no more than a congestion window without acknowledgements.
 * A phone never follows: relays do not move.
 */
#ifndef LINK_ROAM_H
#define LINK_ROAM_H

#include <stdbool.h>
#include <stdint.h>

#include "link/link.h"

struct roam {
	struct link_path path;
	struct link_path before;
	uint64_t newest;     /* the highest packet number seen, plus 1 */
	uint64_t trusted_ns; /* when the new place counts as reached; 0: it does */
	uint64_t credit;     /* bytes, until then */
};

void roam_init(struct roam *roam, const struct link_path *path);

/*
 * An authentic packet came from `path`: the last `bytes` (1 to 4) bytes of its number, and the payload's
 * length. True if its number is the highest yet, that is: if it is no copy.
 */
bool roam_heard(struct roam *roam, const struct link_path *path, uint32_t number, unsigned bytes,
		size_t len, uint64_t rtt_ns, uint64_t now_ns);

/* May a payload of len bytes be sent? */
bool roam_may_send(const struct roam *roam, size_t len);
void roam_sent(struct roam *roam, size_t len);

#endif
