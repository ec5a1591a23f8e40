/* JSON reading and writing. */
#include <jansson.h>
