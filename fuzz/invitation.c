/* SPDX-License-Identifier: Apache-2.0 */
/* Invitations as people paste them. What decodes encodes again, and that text decodes to the same. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "ledger/invitation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buffer[LEDGER_INVITATION_LEN_MAX];
	uint8_t again[LEDGER_INVITATION_LEN_MAX];
	uint8_t text[LEDGER_INVITATION_TEXT_MAX];
	struct ledger_invitation invitation;
	struct ledger_invitation other;
	struct writer writer;

	if (ledger_invitation_decode(BYTES(data, size), buffer, &invitation) != SOTTO_OK)
		return 0;
	writer_init_fixed(&writer, text, sizeof(text));
	ASSERT(ledger_invitation_encode(&invitation, &writer) == SOTTO_OK);
	ASSERT(ledger_invitation_decode(writer_bytes(&writer), again, &other) == SOTTO_OK);
	ASSERT(bytes_equal(invitation.name, other.name));
	ASSERT(invitation.expires_ms == other.expires_ms);
	return 0;
}
