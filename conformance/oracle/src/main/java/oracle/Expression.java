package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Expressions of expressions.md, read from data at every use: short rather than fast. */
final class Expression {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final long EXACT = 9007199254740991L;

  private Expression() {}

  static JsonNode evaluate(JsonNode expression, Map<String, JsonNode> scope) {
    if (!expression.isObject()) return expression;
    String operation = expression.fieldNames().next();
    JsonNode given = expression.get(operation);
    return switch (operation) {
      case "literal" -> given;
      case "get" -> get(given, scope);
      case "object" -> members(JSON.objectNode(), given, scope);
      case "extend" -> members(((ObjectNode) evaluate(given.get(0), scope)).deepCopy(), given.get(1), scope);
      case "if" -> evaluate(given.get(truth(evaluate(given.get(0), scope)) ? 1 : 2), scope);
      case "coalesce" -> coalesce(given, scope);
      case "and" -> BooleanNode.valueOf(allAre(given, scope, true));
      case "or" -> BooleanNode.valueOf(!allAre(given, scope, false));
      case "not" -> BooleanNode.valueOf(!truth(evaluate(given, scope)));
      case "text" -> TextNode.valueOf(text(evaluate(given, scope)));
      case "upper" -> TextNode.valueOf(string(evaluate(given, scope)).toUpperCase(java.util.Locale.ROOT));
      case "lower" -> TextNode.valueOf(string(evaluate(given, scope)).toLowerCase(java.util.Locale.ROOT));
      case "length" -> length(evaluate(given, scope));
      default -> apply(operation, all(given, scope));
    };
  }

  private static JsonNode get(JsonNode path, Map<String, JsonNode> scope) {
    JsonNode found = scope.get(path.get(0).textValue());
    for (int i = 1; i < path.size(); i++) found = at(found, path.get(i));
    return found == null ? NullNode.instance : found;
  }

  private static JsonNode at(JsonNode found, JsonNode place) {
    JsonNode next = found == null ? null : place.isTextual() ? found.get(place.textValue()) : found.get(place.intValue());
    return next == null ? NullNode.instance : next;
  }

  private static JsonNode members(ObjectNode base, JsonNode given, Map<String, JsonNode> scope) {
    given.fields().forEachRemaining(member -> base.set(member.getKey(), evaluate(member.getValue(), scope)));
    return base;
  }

  private static JsonNode coalesce(JsonNode given, Map<String, JsonNode> scope) {
    for (JsonNode one : given) {
      JsonNode found = evaluate(one, scope);
      if (!found.isNull()) return found;
    }
    return NullNode.instance;
  }

  private static boolean allAre(JsonNode given, Map<String, JsonNode> scope, boolean wanted) {
    for (JsonNode one : given) if (truth(evaluate(one, scope)) != wanted) return false;
    return true;
  }

  private static List<JsonNode> all(JsonNode given, Map<String, JsonNode> scope) {
    List<JsonNode> found = new ArrayList<>();
    for (JsonNode one : given) found.add(evaluate(one, scope));
    return found;
  }

  private static JsonNode apply(String operation, List<JsonNode> of) {
    return switch (operation) {
      case "array" -> { ArrayNode made = JSON.arrayNode(); of.forEach(made::add); yield made; }
      case "concat" -> TextNode.valueOf(of.stream().map(Expression::string).reduce("", String::concat));
      case "least" -> of.stream().reduce((a, b) -> compare(b, a) < 0 ? b : a).get();
      case "greatest" -> of.stream().reduce((a, b) -> compare(b, a) > 0 ? b : a).get();
      default -> two(operation, of.get(0), of.get(1));
    };
  }

  private static JsonNode two(String operation, JsonNode one, JsonNode other) {
    return switch (operation) {
      case "equal" -> BooleanNode.valueOf(equal(one, other));
      case "not_equal" -> BooleanNode.valueOf(!equal(one, other));
      case "less" -> BooleanNode.valueOf(compare(one, other) < 0);
      case "at_most" -> BooleanNode.valueOf(compare(one, other) <= 0);
      case "greater" -> BooleanNode.valueOf(compare(one, other) > 0);
      case "at_least" -> BooleanNode.valueOf(compare(one, other) >= 0);
      case "add", "subtract", "multiply" -> arithmetic(operation, number(one), number(other));
      case "divide" -> DoubleNode.valueOf(number(one).doubleValue() / number(other).doubleValue());
      case "starts_with" -> BooleanNode.valueOf(string(one).startsWith(string(other)));
      case "contains" -> BooleanNode.valueOf(contains(one, other));
      case "split" -> split(string(one), string(other));
      case "at" -> at(one, other);
      default -> throw new IllegalArgumentException("no operation " + operation);
    };
  }

  private static JsonNode arithmetic(String operation, JsonNode one, JsonNode other) {
    if (one.isIntegralNumber() && other.isIntegralNumber()) {
      long a = one.longValue();
      long b = other.longValue();
      long made = switch (operation) {
        case "add" -> Math.addExact(a, b);
        case "subtract" -> Math.subtractExact(a, b);
        default -> Math.multiplyExact(a, b);
      };
      if (Math.abs(made) > EXACT) throw new ArithmeticException(operation + ": " + made);
      return LongNode.valueOf(made);
    }
    double a = one.doubleValue();
    double b = other.doubleValue();
    return DoubleNode.valueOf(operation.equals("add") ? a + b : operation.equals("subtract") ? a - b : a * b);
  }

  private static boolean equal(JsonNode one, JsonNode other) {
    if (one.isNumber() && other.isNumber()) return compare(one, other) == 0;
    if (one.isArray() && other.isArray() || one.isObject() && other.isObject()) {
      return one.equals((a, b) -> a.isNumber() && b.isNumber() ? compare(a, b) : a.equals(b) ? 0 : 1, other);
    }
    return one.equals(other);
  }

  private static int compare(JsonNode one, JsonNode other) {
    if (one.isTextual() && other.isTextual()) return one.textValue().compareTo(other.textValue());
    return number(one).decimalValue().compareTo(number(other).decimalValue());
  }

  private static boolean contains(JsonNode one, JsonNode part) {
    if (!one.isArray()) return string(one).contains(string(part));
    for (JsonNode item : one) if (equal(item, part)) return true;
    return false;
  }

  private static JsonNode split(String value, String separator) {
    ArrayNode made = JSON.arrayNode();
    for (String part : value.split(java.util.regex.Pattern.quote(separator), -1)) made.add(part);
    return made;
  }

  private static JsonNode length(JsonNode value) {
    return LongNode.valueOf(value.isArray() ? value.size() : string(value).codePointCount(0, string(value).length()));
  }

  static String text(JsonNode value) {
    if (value.isTextual()) return value.textValue();
    if (value.isNull() || value.isBoolean()) return value.asText();
    return number(value).decimalValue().toBigIntegerExact().toString();
  }

  static boolean truth(JsonNode value) {
    if (!value.isBoolean()) throw new IllegalArgumentException(value + " is neither true nor false");
    return value.booleanValue();
  }

  private static JsonNode number(JsonNode value) {
    if (!value.isNumber()) throw new IllegalArgumentException(value + " is no number");
    return value;
  }

  private static String string(JsonNode value) {
    if (!value.isTextual()) throw new IllegalArgumentException(value + " is no string");
    return value.textValue();
  }
}
