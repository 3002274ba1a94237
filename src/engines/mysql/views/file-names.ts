/**
 * Names as the server writes them in its files and InnoDB in its dictionary: letters, digits, `_` and `$` as they are,
 * letters of the larger alphabets as `@` and two characters, everything else as `@` and its code in four hexadecimal digits.
 * https://dev.mysql.com/doc/refman/en/identifier-mapping.html
 */

/**
 * By the first of the two characters: the second one, then the letter, and so on. As MariaDB 11.8 converts them from its
 * character set `filename`, which both flavors share.
 */
const LETTERS: Readonly<Record<string, string>> = {
  '0': 'GÀHÁIÂJÃKÄLÅMÆNÇOÈPÉQÊRËSÌTÍUÎVÏWÐXÑYÒZÓgàháiâjãkälåmænçoèpéqêrësìtíuîvïwðxñyòzó',
  '1': 'GÔHÕIÖKØLÙMÚNÛOÜPÝQÞjßgôhõiökølùmúnûoüpýqþrÿSĀsāTĂtăUĄuąVĆvćWĈwĉXĊxċYČyčZĎzďRŸ',
  '2': 'GĐgđHĒhēIĔiĕJĖjėKĘkęLĚlěMĜmĝNĞnğOĠoġPĢpģQĤqĥRĦrħSĨsĩTĪtīUĬuĭVĮvįwıXĲxĳYĴyĵZĶzķ',
  '3': 'gĸHĹhĺIĻiļJĽjľKĿkŀLŁlłMŃmńNŅnņOŇoňpŉQŊqŋRŌrōSŎsŏTŐtőUŒuœVŔvŕWŖwŗXŘxřYŚyśZŜzŝ',
  '4': 'GŞgşHŠhšIŢiţJŤjťKŦkŧLŨlũMŪmūNŬnŭOŮoůPŰpűQŲqųRŴrŵSŶsŷTŹtźUŻużVŽvžwſ',
  '5': 'yΐ',
  '6': 'GΆHΈIΉJΊLΑNΓOΔPΕQΖRΗTΙVΛWΜXΝYΞZΟgάhέiήjίkΰlαmβnγoδpεqζrηsθtιuκvλwμxνyξzο',
  '7': 'SΌTΎUΏWΒXΘHΡKΤLΥNΧOΨPΩQΪRΫgπhρiςjσkτlυmφnχoψpωqϊrϋsόtύuώwϐxϑYϒZϓ',
  '8': 'WΚIΠYΣHΦGϔhϕiϖjϗkϙLϚlϛMϜmϝNϞnϟOϠoϡPϢpϣQϤqϥRϦrϧSϨsϩTϪtϫUϬuϭVϮvϯwϰxϱyϲzϳ',
  '9': 'gϵh϶iϸjϻkϼLϽMϾNϿ',
  '@': 'AⒶBⒷCⒸDⒹEⒺFⒻGⒼHⒽIⒾJⒿKⓀLⓁMⓂNⓃOⓄPⓅQⓆRⓇSⓈTⓉUⓊVⓋWⓌXⓍYⓎZⓏaⓐbⓑcⓒdⓓeⓔfⓕgⓖhⓗiⓘjⓙkⓚlⓛmⓜnⓝoⓞpⓟqⓠrⓡsⓢtⓣuⓤvⓥwⓦxⓧyⓨzⓩ',
  A: '@Ａ',
  B: '@Ｂ',
  C: '@Ｃ',
  D: '@Ｄ',
  E: '@Ｅ',
  F: '@Ｆ',
  G: 'bƳcǞdȈeȰ2Ј0А1Ф3Ѹ4Ҧ5Ӎ6Ӵ8ՄlḀmḨnṐpṠoṸqẾrỦsἈtἪvὬwᾈxᾬ9Ⅰ@Ｇ',
  H: 'aƂhƝbƵcǠdȊeȲ2Љ0Б1Х3Ѻ4Ҩ6Ӷ7Ա8ՅlḂmḪnṒoṺqỀrỨsἉtἫvὭwᾉxᾭ9Ⅱ@Ｈ',
  I: 'aƄbƸcǢdȌ2Њ0В1Ц3Ѽ4Ҫ5Ӑ6Ӹ7Բ8ՆlḄmḬnṔoṼqỂrỪsἊtἬvὮwᾊxᾮ9Ⅲ@Ｉ',
  J: 'aƇgƓiƮcǤdȎ2Ћ0Г1Ч3Ѿ4Ҭ5Ӓ7Գ8ՇlḆmḮnṖoṾqỄrỬsἋtἭvὯwᾋxᾯ9Ⅳ@Ｊ',
  K: 'aƋhƟcǦdȐ2Ќ0Д1Ш3Ҁ4Ү5Ӕ7Դ8ՈlḈmḰnṘoẀqỆrỮsἌtἮwᾌxᾸvᾺ9Ⅴ@Ｋ',
  L: 'iƱcǨdȒ2Ѝ0Е1Щ4Ұ5Ӗ7Ե8ՉlḊmḲnṚoẂpẠqỈrỰsἍtἯuὙwᾍxᾹvΆ9Ⅵ@Ｌ',
  M: 'aƑgƔiƲcǪdȔ2Ў0Ж1Ъ3Ҋ4Ҳ5Ә7Զ8ՊlḌmḴnṜoẄpẢqỊrỲsἎtἸwᾎvῈ9Ⅶ@Ｍ',
  N: 'bƼcǬaǶdȖ2Џ0З1Ы3Ҍ4Ҵ5Ӛ7Է8ՋlḎmḶnṞoẆpẤqỌrỴsἏtἹuὛwᾏxᾼvΈyῨ9Ⅷ@Ｎ',
  O: 'aƘbǄcǮdȘeȺ0И1Ь2Ѡ3Ҏ4Ҷ5Ӝ7Ը8ՌlḐmḸoẈpẦqỎrỶsἘtἺwᾘvῊyῩ9Ⅸ@Ｏ',
  P: 'bǇdȚeȻaȽ0Й1Э2Ѣ3Ґ4Ҹ5Ӟ6Ԁ7Թ8ՍlḒmḺnṢoẊpẨqỐrỸsἙtἻuὝwᾙvΉ9Ⅹ@Ｐ',
  Q: 'fƁbǊcǱdȜeȾ0К1Ю2Ѥ3Ғ4Һ5Ӡ6Ԃ7Ժ8ՎlḔmḼnṤoẌpẪqỒsἚtἼwᾚvῚ9Ⅺ@Ｑ',
  R: 'fƆgƗbǍcǴdȞaȠ0Л1Я2Ѧ3Ҕ4Ҽ5Ӣ6Ԅ7Ի8ՏlḖmḾnṦoẎpẬqỔsἛtἽuὟwᾛvΊ9Ⅻ@Ｒ',
  S: 'gƖaƠbǏcǸ1Ѐ0М2Ѩ3Җ4Ҿ5Ӥ6Ԇ7Լ8ՐlḘmṀnṨoẐpẮqỖsἜtἾwᾜyῬvῸ9Ⅼ@Ｓ',
  T: 'fƉaƢiƷbǑcǺdȢ1Ё0Н2Ѫ3Ҙ4Ӏ5Ӧ6Ԉ7Խ8ՑlḚmṂnṪoẒpẰqỘsἝtἿwᾝxῌvΌ9Ⅽ@Ｔ',
  U: 'fƊaƤbǓcǼdȤ1Ђ0О2Ѭ3Қ4Ӂ5Ө6Ԋ7Ծ8ՒlḜmṄnṬoẔpẲqỚtὈwᾞvῪ9Ⅾ@Ｕ',
  V: 'hƦaƧbǕcǾdȦiɁ1Ѓ0П2Ѯ3Ҝ4Ӄ5Ӫ6Ԍ7Կ8ՓlḞmṆnṮpẴqỜtὉwᾟvΎ9Ⅿ@Ｖ',
  W: 'fƏbǗcȀdȨ1Є0Р2Ѱ3Ҟ4Ӆ5Ӭ6Ԏ7Հ8ՔlḠmṈnṰpẶqỞtὊuὨwᾨvῺ@Ｗ',
  X: 'bǙcȂdȪ1Ѕ0С2Ѳ3Ҡ4Ӈ5Ӯ7Ձ8ՕlḢmṊnṲpẸqỠtὋuὩwᾩvΏ@Ｘ',
  Y: 'fƐgƜhƩaƬbǛcȄdȬ1І0Т2Ѵ3Ң4Ӊ5Ӱ7ՂlḤmṌnṴpẺqỢsἨtὌuὪwᾪxῘyῼ@Ｙ',
  Z: 'bƎaƯcȆdȮ1Ї0У2Ѷ3Ҥ4Ӌ5Ӳ7ՃlḦmṎnṶpẼqỤsἩtὍuὫwᾫxῙ@Ｚ',
  a: '@ａ',
  b: '@ｂ',
  c: '@ｃ',
  d: '@ｄ',
  e: '@ｅ',
  f: '@ｆ',
  g: 'aƀbƴcǟdȉeȱgɝhɱiʅjʙkʭ0а1ф2ј3ѹ4ҧ5ӎ6ӵ8մlḁmḩnṑoṹpẛqếrủsἀtἢvὤwᾀxᾤyῒ9ⅰ@ｇ',
  h: 'aƃbƶcǡdȋeȳgɞhɲiʆjʚkʮ0б1х2љ3ѻ4ҩ6ӷ7ա8յlḃmḫnṓoṻqềrứsἁtἣvὥwᾁxᾥyΐzῶ9ⅱ@ｈ',
  i: 'aƅbƹcǣdȍeȴgɟhɳiʇjʛkʯ0в1ц2њ3ѽ4ҫ5ӑ6ӹ7բ8նlḅmḭnṕoṽqểrừsἂtἤvὦwᾂxᾦzῷ9ⅲ@ｉ',
  j: 'aƈbƺcǥdȏeȵgɠhɴiʈjʜ0г1ч2ћ3ѿ4ҭ5ӓ7գ8շlḇmḯnṗoṿqễrửsἃtἥvὧwᾃxᾧ9ⅳ@ｊ',
  k: 'aƌbƻcǧdȑeȶgɡhɵiʉjʝ0д1ш2ќ3ҁ4ү5ӕ7դ8ոlḉmḱnṙoẁqệrữsἄtἦuὐvὰwᾄxᾰyῖ9ⅴ@ｋ',
  l: 'aƍcǩdȓeȷgɢhɶiʊjʞ0е1щ2ѝ4ұ5ӗ7ե8չlḋmḳnṛoẃpạqỉrựsἅtἧuὑvάwᾅxᾱyῗ9ⅵ@ｌ',
  m: 'aƒbƾcǫdȕeȸgɣhɷiʋjʟ0ж1ъ2ў3ҋ4ҳ5ә7զ8պlḍmḵnṝoẅpảqịrỳsἆtἰuὒvὲwᾆxᾲ9ⅶ@ｍ',
  n: 'aƕbƽcǭdȗeȹfɐgɤhɸiʌjʠ0з1ы2џ3ҍ4ҵ5ӛ7է8ջlḏmḷnṟoẇpấqọrỵsἇtἱuὓvέwᾇxᾳyῠ9ⅷ@ｎ',
  o: 'aƙbǆcǯdșfɑgɥhɹiʍjʡ0и1ь2ѡ3ҏ4ҷ5ӝ7ը8ռlḑmḹnṡoẉpầqỏrỷsἐtἲuὔvὴwᾐxᾴyῡ9ⅸ@ｏ',
  p: 'aƚbǉcǰdțeȼfɒgɦhɺiʎjʢ0й1э2ѣ3ґ4ҹ5ӟ6ԁ7թ8սlḓmḻnṣoẋpẩqốrỹsἑtἳuὕvήwᾑyῢ9ⅹ@ｐ',
  q: 'aƛbǌcǳdȝfɓgɧhɻiʏjʣ0к1ю2ѥ3ғ4һ5ӡ6ԃ7ժ8վlḕmḽnṥoẍpẫqồsἒtἴuὖvὶwᾒxᾶyΰ9ⅺ@ｑ',
  r: 'aƞbǎcǵdȟeȿfɔgɨhɼiʐjʤ0л1я2ѧ3ҕ4ҽ5ӣ6ԅ7ի8տlḗmḿnṧoẏpậqổsἓtἵuὗvίwᾓxᾷyῤ9ⅻ@ｒ',
  s: 'aơbǐcǹdȡeɀfɕgɩhɽiʑjʥ0м1ѐ2ѩ3җ4ҿ5ӥ6ԇ7լ8րlḙmṁnṩoẑpắqỗsἔtἶvὸwᾔxῂyῥ9ⅼ@ｓ',
  t: 'aƣbǒcǻdȣfɖgɪhɾiʒjʦ0н1ё2ѫ3ҙ5ӧ6ԉ7խ8ցlḛmṃnṫoẓpằqộsἕtἷvόwᾕxῃyῦ9ⅽ@ｔ',
  u: 'aƥbǔcǽdȥfɗgɫhɿiʓjʧ0о1ђ2ѭ3қ4ӂ5ө6ԋ7ծ8ւlḝmṅnṭoẕpẳqớtὀvὺwᾖxῄyῧ9ⅾ@ｕ',
  v: 'aƨbǖcǿdȧfɘgɬhʀiʔjʨ0п1ѓ2ѯ3ҝ4ӄ5ӫ6ԍ7կ8փlḟmṇnṯoẖpẵqờtὁvύwᾗ9ⅿ@ｖ',
  w: 'aƪbǘcȁdȩfəgɭhʁiʕjʩ0р1є2ѱ3ҟ4ӆ5ӭ6ԏ7հ8քlḡmṉnṱoẗpặqởtὂuὠvὼwᾠxῆ@ｗ',
  x: 'aƫbǚcȃdȫfɚgɮhʂiʖjʪ0с1ѕ2ѳ3ҡ4ӈ5ӯ7ձ8օlḣmṋnṳoẘpẹqỡtὃuὡvώwᾡxῇyῲ@ｘ',
  y: 'aƭbǜcȅdȭfɛgɯhʃiʗjʫ0т1і2ѵ3ң4ӊ5ӱ7ղlḥmṍnṵoẙpẻqợsἠtὄuὢwᾢxῐyῳ@ｙ',
  z: 'aưbǝcȇdȯfɜgɰhʄiʘjʬ0у1ї2ѷ3ҥ4ӌ5ӳ7ճlḧmṏnṷoẚpẽqụsἡtὅuὣwᾣxῑ@ｚ',
};

const ENCODED = /@(?:([0-9a-f]{4})|(..))/giu;

/** The name that was encoded; what is no encoding stays as it is. */
export function decodeName(name: string): string {
  if (!name.includes('@')) return name;
  return name.replace(ENCODED, (whole: string, digits: string | undefined, pair: string | undefined) =>
    digits === undefined ? (letterOf(pair ?? '') ?? whole) : String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function letterOf([first = '', second]: string): string | null {
  const letters = LETTERS[first] ?? '';
  for (let at = 0; at < letters.length; at += 2) if (letters[at] === second) return letters[at + 1] ?? null;
  return null;
}
