/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, sizes and words that both ends share. */
#include "link/link.h"

#include <string.h>

size_t link_small_len(size_t datagram_len)
{
	size_t len = datagram_len + LINK_SMALL_OVERHEAD;

	if (len < LINK_SMALL_LEN_MIN)
		return LINK_SMALL_LEN_MIN;
	return len <= LINK_SMALL_LEN_MAX ? len : LINK_FULL_LEN;
}

bool link_address_equal(const struct link_address *a, const struct link_address *b)
{
	return a->port == b->port && a->scope == b->scope &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool link_address_is_v4(const struct link_address *address)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(address->ip, mapped, sizeof(mapped)) == 0;
}

const char *link_reason_text(enum link_reason reason)
{
	switch (reason) {
	case LINK_REASON_NONE:
		return "no reason";
	case LINK_REASON_NO_ANSWER:
		return "no answer: the relay is off, this phone's clock is wrong, its access has "
		       "ended, or this network lets no UDP through";
	case LINK_REASON_NO_NETWORK:
		return "this machine has no way to the relay's address";
	case LINK_REASON_WRONG_RELAY_KEY:
		return "somebody with the network's access key answered who is not its relay";
	case LINK_REASON_NO_PROOF:
		return "the relay answered and did not prove itself in time";
	case LINK_REASON_LOST:
		return "the relay fell silent: restarted, or the way to it broke";
	case LINK_REASON_IDLE:
		return "the phone fell silent";
	case LINK_REASON_PEER_CLOSED:
		return "the other end closed the link";
	case LINK_REASON_CLOSED:
		return "closed here";
	case LINK_REASON_PROTOCOL:
		return "the other end broke the protocol";
	case LINK_REASON_RANDOM:
		return "this machine's random source failed";
	case LINK_REASON_NO_MEMORY:
		return "out of memory";
	}
	return "unknown reason";
}
