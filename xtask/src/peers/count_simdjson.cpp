// Counts the documents in files, each of which holds many with nothing between them, by simdjson.

#include <cstddef>
#include <cstdint>
#include <iostream>

#include "simdjson.h"

// No document is longer.
constexpr std::size_t BATCH = simdjson::dom::DEFAULT_BATCH_SIZE;

int main(int count, char **arguments) {
  simdjson::dom::parser parser;
  std::uint64_t documents = 0;
  for (int index = 1; index < count; ++index) {
    // Mapped, since it takes twice as long to read a file into memory first.
    const simdjson::padded_memory_map file(arguments[index]);
    const auto content = file.view();
    simdjson::dom::document_stream stream;
    auto error = file.is_valid() ? simdjson::SUCCESS : simdjson::IO_ERROR;
    if (!error) error = parser.parse_many(content.data(), content.size(), BATCH).get(stream);
    if (error) {
      std::cerr << arguments[index] << ": " << error << '\n';
      return 1;
    }
    for (auto document : stream) {
      if (document.error()) {
        std::cerr << arguments[index] << ": " << document.error() << '\n';
        return 1;
      }
      ++documents;
    }
    if (stream.truncated_bytes() > 0) {
      std::cerr << arguments[index] << ": the last document has no end\n";
      return 1;
    }
  }
  std::cout << documents << '\n';
}
