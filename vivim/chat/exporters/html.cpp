#include <algorithm>

#include "vivim/chat/exporters/page_detail.hpp"

namespace vivim::chat::detail {

namespace {

constexpr std::string_view k_style = R"(:root{color-scheme:light dark}
body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1.5rem 1rem;
 background:light-dark(#fff,#16181c);color:light-dark(#1c1e21,#e4e6ea);overflow-wrap:anywhere}
@supports not (color:light-dark(#fff,#000)){
 @media (prefers-color-scheme:dark){body{background:#16181c;color:#e4e6ea}}}
h1{font-size:1.6rem;line-height:1.25}
header p,.when{color:#767b84;font-size:.85rem}
article{margin:1.25rem 0;padding:.25rem 1rem;border-left:3px solid #8886}
article.user{border-color:#3b82f6}article.assistant{border-color:#10b981}
article.tool{border-color:#a855f7}
article h2{font-size:1rem;margin:.5rem 0}
p,h3{white-space:pre-wrap}h3{font-size:1.05rem;margin:1rem 0 .25rem}
pre{overflow-x:auto;padding:.75rem;border-radius:.5rem;background:#8881;font-size:.875rem}
code{font-family:ui-monospace,monospace}summary{cursor:pointer;color:#767b84}
nav a,section>h2 a{color:inherit}
@media print{details{display:block}})";

void escape(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // a page may not hold the other control characters
        if (static_cast<std::uint8_t>(c) >= 0x20 || c == '\n' || c == '\t') {
          out += c;
        }
    }
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  escape(text, out);
  return out;
}

/// `code` and **bold** of one line; everything else as it is.
void write_line(std::string_view line, std::string& out) {
  struct Mark {
    std::string_view sign;
    std::string_view tag;
  };
  constexpr std::array<Mark, 2> k_marks{{{"`", "code"}, {"**", "strong"}}};
  while (!line.empty()) {
    const auto at = std::min(line.find('`'), line.find("**"));
    if (at == std::string_view::npos) {
      break;
    }
    const auto& mark = line[at] == '`' ? k_marks[0] : k_marks[1];
    const auto from = at + mark.sign.size();
    const auto end = line.find(mark.sign, from);
    if (end == std::string_view::npos) {
      break;
    }
    escape(line.substr(0, at), out);
    out.append("<").append(mark.tag).append(">");
    escape(line.substr(from, end - from), out);
    out.append("</").append(mark.tag).append(">");
    line.remove_prefix(end + mark.sign.size());
  }
  escape(line, out);
}

std::size_t heading_level(std::string_view line) {
  const auto level = line.find_first_not_of('#');
  return level != std::string_view::npos && level >= 1 && level <= 6 && line[level] == ' ' ? level
                                                                                           : 0;
}

/// Enough of Markdown to read it well: fenced code, headings, bold, code; the rest keeps its line
/// breaks.
class Words {
 public:
  explicit Words(std::string& out) : out_(out) {}

  void write(std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      line(text.substr(0, end));
      text.remove_prefix(std::min(text.size(), end + 1));
    }
    close();
  }

 private:
  enum class Open : std::uint8_t { nothing, paragraph, code };

  void line(std::string_view text) {
    if (text.starts_with("```")) {
      const bool ends = open_ == Open::code;
      close();
      if (!ends) {
        out_ += "<pre><code>";
        open_ = Open::code;
      }
    } else if (open_ == Open::code) {
      escape(text, out_);
      out_ += '\n';
    } else if (const auto level = heading_level(text); level > 0) {
      close();
      out_ += "<h3>";
      write_line(text.substr(level + 1), out_);
      out_ += "</h3>\n";
    } else if (text.empty()) {
      close();
    } else {
      out_ += open_ == Open::paragraph ? "\n" : "<p>";
      open_ = Open::paragraph;
      write_line(text, out_);
    }
  }

  void close() {
    out_ += open_ == Open::code ? "</code></pre>\n" : open_ == Open::paragraph ? "</p>\n" : "";
    open_ = Open::nothing;
  }

  std::string& out_;
  Open open_ = Open::nothing;
};

void write_citation(const CitationPart& citation, std::string& out) {
  const auto title = escaped(citation.title.empty() ? citation.url : citation.title);
  out += "<p>Source: ";
  if (is_web_address(citation.url)) {
    out += "<a rel=\"noopener noreferrer nofollow\" href=\"" + escaped(citation.url) + "\">" +
           title + "</a>";
  } else {
    out += title;
  }
  out += "</p>\n";
}

void write_part(const Part& part, const Turn& turn, std::string& out) {
  if (std::holds_alternative<TextPart>(part)) {
    Words(out).write(turn.text);
    return;
  }
  if (const auto* citation = std::get_if<CitationPart>(&part)) {
    write_citation(*citation, out);
    return;
  }
  const auto label = escaped(part_label(part));
  const auto text = part_text(part);
  if (text.empty()) {
    out += "<p class=\"when\">" + label + "</p>\n";
    return;
  }
  const bool open =
      std::holds_alternative<CodePart>(part) || std::holds_alternative<ErrorPart>(part);
  out += open ? "<details open>" : "<details>";
  out += "<summary>" + label + "</summary><pre><code>";
  escape(text, out);
  out += "</code></pre></details>\n";
}

void write_article(const Turn& turn, std::string& out) {
  out += "<article class=\"" + std::string(role_name(turn.role)) + "\"><h2>" +
         escaped(speaker(turn)) + " <span class=\"when\">" + time_text(turn.time) +
         "</span></h2>\n";
  const auto is_text = [](const Part& part) { return std::holds_alternative<TextPart>(part); };
  if (std::ranges::none_of(turn.parts, is_text)) {
    Words(out).write(turn.text);
  }
  for (const auto& part : turn.parts) {
    write_part(part, turn, out);
  }
  out += "</article>\n";
}

std::string head(const Conversation& conversation) {
  const auto title = escaped(conversation.title.empty() ? "Untitled" : conversation.title);
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  out += title + "</title>\n<style>";
  out += k_style;
  out += "</style>\n</head>\n<body>\n<header><h1>" + title + "</h1>\n<p>";
  if (!conversation.provenance.provider.empty()) {
    out += "From " + escaped(conversation.provenance.provider) + ". ";
  }
  if (const auto time = time_text(conversation.created); !time.empty()) {
    out += "Begun " + time + ".";
  }
  out += "</p></header>\n";
  return out;
}

void write_contents(std::size_t count, std::string& out) {
  if (count < 2) {
    return;
  }
  out += "<nav><p>Branches:";
  for (std::size_t i = 1; i <= count; ++i) {
    const auto number = std::to_string(i);
    out += " <a href=\"#branch-" + number + "\">" + (i == 1 ? "main" : number) + "</a>";
  }
  out += "</p></nav>\n";
}

void write_branch_title(const Conversation& conversation, const Branch& branch, std::size_t number,
                        std::string& out) {
  out += "<section id=\"branch-" + std::to_string(number) + "\">\n";
  if (number == 1) {
    return;
  }
  out += "<h2>Branch " + std::to_string(number);
  if (branch.from) {
    const auto& from = conversation.turns[*branch.from];
    out += ", after " + escaped(speaker(from)) + " <span class=\"when\">" + time_text(from.time) +
           "</span>";
  }
  out += "</h2>\n";
}

}  // namespace

void write_html(const Conversation& conversation, const TextSink& sink,
                const ExportOptions& options) {
  const Tree tree(conversation);
  const auto shown = branches(conversation, tree, options);
  auto out = head(conversation);
  write_contents(shown.size(), out);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    write_branch_title(conversation, shown[i], i + 1, out);
    for (const auto turn : shown[i].turns) {
      write_article(conversation.turns[turn], out);
      sink(out);
      out.clear();
    }
    out += "</section>\n";
  }
  out += "</body>\n</html>\n";
  sink(out);
}

}  // namespace vivim::chat::detail
