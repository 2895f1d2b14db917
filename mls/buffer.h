/* SPDX-License-Identifier: Apache-2.0 */
/* From the writer that the library builds with to the buffer that the caller gets. */
#ifndef MLS_BUFFER_H
#define MLS_BUFFER_H

#include "base/writer.h"
#include "mls/include/sotto/mls.h"

/* Hands a growing writer's memory over; the writer is empty afterwards. */
void buffer_take(struct mls_buffer *buffer, struct writer *writer);

#endif
