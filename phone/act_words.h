/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the ledger in plain words. */
#ifndef PHONE_ACT_WORDS_H
#define PHONE_ACT_WORDS_H

#include "phone/agent.h"

/* "action" and "words" of an entry or an act. before: the admins that there are, of an act that may change them; or NULL. */
json_t *act_words_json(const struct agent *agent, const struct ledger_entry *entry,
		       const struct ledger_admin_list *before);

/* An entry of the ledger: "index", "action", "words", "signed", "stated", "head". */
json_t *act_words_entry(const struct agent *agent, uint64_t index);

/* Extensions of those who have signed it. */
json_t *act_words_signers(const struct agent *agent, const struct ledger_entry *entry);

#endif
