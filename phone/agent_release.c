/* SPDX-License-Identifier: Apache-2.0 */
/* hash -> release of the ledger -> the entry that names it; and the launcher's word of what this phone runs. */
#include <string.h>

#include "base/hex.h"
#include "phone/agent.h"
#include "phone/agent_release.h"

enum agent_release_standing agent_release_standing(const struct ledger *ledger, const uint8_t *hash,
						   const struct ledger_release **release)
{
	struct ledger_policy policy;

	*release = ledger_release_by_hash(ledger, hash);
	if (*release == NULL)
		return AGENT_RELEASE_UNNAMED;
	ledger_policy(ledger, &policy);
	if ((*release)->number < policy.release_min)
		return AGENT_RELEASE_BELOW;
	return *release == ledger_release_newest(ledger) ? AGENT_RELEASE_NEWEST
							 : AGENT_RELEASE_OLDER;
}

static bool names(const struct ledger_entry *entry, const uint8_t *hash)
{
	union ledger_body body;

	return entry->act.action == LEDGER_RELEASE &&
	       ledger_body_decode(LEDGER_RELEASE, entry->act.body, &body) == SOTTO_OK &&
	       memcmp(body.release.hash, hash, LEDGER_HASH_LEN) == 0;
}

bool agent_release_find(const struct ledger *ledger, const uint8_t *hash,
			struct agent_release_entry *found)
{
	enum agent_release_standing standing =
		agent_release_standing(ledger, hash, &found->release);

	if (standing == AGENT_RELEASE_UNNAMED)
		return false;
	found->newest = found->release == ledger_release_newest(ledger);
	found->below_minimum = standing == AGENT_RELEASE_BELOW;
	/* From the end: who asks has a release of today. */
	for (uint64_t index = ledger_length(ledger); index-- > 0;) {
		if (ledger_entry_decode(ledger_entry_bytes(ledger, index), &found->entry) !=
			    SOTTO_OK ||
		    !names(&found->entry, hash))
			continue;
		found->index = index;
		return true;
	}
	return false;
}

bool agent_release_set(struct agent *agent, const char *text)
{
	struct agent_release release = {.changed = strcmp(text, PHONE_RELEASE_CHANGED) == 0};
	size_t len = 0;

	if (!release.changed && strcmp(text, PHONE_RELEASE_NONE) != 0) {
		if (hex_decode(text, strlen(text), release.hash, sizeof(release.hash), &len) !=
			    SOTTO_OK ||
		    len != sizeof(release.hash))
			return false;
		release.known = true;
	}
	agent->release = release;
	return true;
}
