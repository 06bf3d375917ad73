// The worst errors of an evaluation: the two media, what people said, what the judge said, and its thought.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "core/json.h"
#include "report/picture.h"

namespace beholder::report {

// Pictures that are no files: they stood inside the rows of the data.
using GalleryPictures = std::map<std::string, Picture>;                 // by gallery_key
std::string gallery_key(const std::string& record, std::size_t place);  // of a record's medium, 1-based

// Of result["errors"]; nothing for none. What `pictures` does not have is read from its file.
std::string worst_errors_html(const Json& result, const GalleryPictures& pictures = {});

}  // namespace beholder::report
