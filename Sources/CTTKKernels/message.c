/* The calling thread's latest error sentence. */
#include <string.h>

#include "ttk_kernels.h"

static _Thread_local char message[1024];

void ttkk_set_message(const char *text) {
  size_t length = strlen(text);
  if (length >= sizeof message) {
    length = sizeof message - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--; /* whole UTF-8 */
  }
  memcpy(message, text, length);
  message[length] = 0;
}

const char *ttkk_message(void) { return message; }
